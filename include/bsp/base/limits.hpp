#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of the protocol, by name, units last.
namespace bsp::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t body_bytes_max = 16u << 20;              ///< at least 10 MiB is promised (A-008)
inline constexpr std::size_t json_depth_max = 32;                      ///< A-008
inline constexpr std::size_t message_depth_max = json_depth_max - 4;   ///< a push wraps four levels around a message (BSP-CNV-071)
inline constexpr std::size_t messages_per_conversation_in_push_max = 10'000;  ///< at least 1,000 is promised (A-008)
inline constexpr std::size_t conversations_per_push_max = 1'000;       ///< at least 500 is promised (A-008)
inline constexpr std::size_t identifier_bytes_max = 128;               ///< A-014
inline constexpr std::size_t user_id_scalars_max = 256;                ///< A-014
inline constexpr std::size_t backend_id_bytes_max = 128;               ///< A-030
inline constexpr std::size_t content_bytes_max = 1u << 20;             ///< A-089
inline constexpr std::size_t label_characters_max = 128;               ///< role, surface, source_backend (A-082, A-089)
inline constexpr std::size_t secret_bytes_min = 32;                    ///< A-027
inline constexpr std::size_t public_key_pem_bytes_max = 4'096;         ///< A-029, BSP-ID-021
inline constexpr std::size_t rsa_modulus_bits_min = 2048;              ///< A-029
inline constexpr std::size_t rsa_modulus_bits_max = 8192;              ///< A-029
inline constexpr std::int64_t version_max = (std::int64_t{1} << 53) - 1;  ///< A-074
inline constexpr std::size_t page_items_default = 100;                 ///< A-093
inline constexpr std::size_t page_items_max = 500;                     ///< A-093
inline constexpr std::size_t pull_page_bytes_max = 8u << 20;           ///< a page ends early when what is on it reaches this
inline constexpr std::size_t event_bytes_max = 65'536;                 ///< of one telemetry event as text (A-141)
inline constexpr std::size_t event_depth_max = json_depth_max - 2;     ///< a list wraps two levels around an event (BSP-TEL-011)
inline constexpr double event_cost_usd_max = 1e6;                      ///< A-146
inline constexpr std::size_t events_per_window_max = 1'000;            ///< of one peer (A-114, A-116)
inline constexpr auto events_window = 60s;                             ///< A-114
inline constexpr std::int64_t retention_days_min = 1, retention_days_max = 3'650;  ///< A-127
inline constexpr std::size_t privacy_settings_bytes_max = 65'536;      ///< as text, unknown members and all
inline constexpr int pull_wait_seconds_max = 30;                       ///< A-179
inline constexpr std::size_t retired_keys_max = 2;                     ///< of a peer (A-112)
inline constexpr auto rotation_grace_max = 24h * 7;                    ///< A-112

inline constexpr auto freshness_window = 300s;                         ///< A-018, A-092
inline constexpr auto assertion_lifetime_max = 300s;                   ///< A-064
inline constexpr auto sbt_lifetime_max = 28'800s + 60s;                ///< A-042
inline constexpr auto message_future_max = 24h;                        ///< A-092
inline constexpr auto sync_id_kept = 24h;                              ///< A-086
inline constexpr auto tombstone_kept = 24h * 90;                       ///< A-081
inline constexpr auto conflict_loser_kept = 24h * 30;                  ///< A-176
inline constexpr int sync_interval_ms_default = 5'000;                 ///< A-095
inline constexpr int sync_interval_ms_min = 1'000;                     ///< A-095
inline constexpr int sync_interval_ms_max = 300'000;                   ///< A-095

// Of the client side (chapter 10). A push carries no more than every server accepts: a last message of the greatest
// size, every character of it escaped, still fits.
inline constexpr std::size_t push_bytes_max = 3u << 20;                ///< BSP-OFF-021
inline constexpr std::size_t push_conversations_max = 500;             ///< BSP-GEN-073
inline constexpr std::size_t push_messages_per_conversation_max = 1'000;  ///< BSP-GEN-072
inline constexpr auto request_timeout = 30s;                           ///< BSP-OFF-016
inline constexpr auto retry_delay_min = 1s;                            ///< A-097
inline constexpr auto retry_delay_max = 64s;                           ///< A-097
inline constexpr auto retry_after_max = 1h;                            ///< BSP-OFF-032
inline constexpr auto unavailable_retry = 2s;                          ///< `Retry-After` of 503
inline constexpr auto refused_pause = 300s;                            ///< before what was refused is tried again (A-098)
inline constexpr auto health_period = 10s;                             ///< A-108
inline constexpr auto health_timeout = 5s;                             ///< A-108
inline constexpr auto live_pull_wait = 30s;                            ///< A-179
inline constexpr auto idle_pull_gap = 1s;                              ///< BSP-OFF-057
inline constexpr std::size_t outbox_items_max = 1'000;                 ///< A-102
inline constexpr std::size_t outbox_bytes_max = 100'000'000;           ///< A-101
inline constexpr auto outbox_age_alert = 300s;                         ///< A-102
inline constexpr std::size_t sync_history_max = 100;                   ///< entries per peer

}  // namespace bsp::limits
