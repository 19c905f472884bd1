#pragma once

#include <bsp/observe/alert_book.hpp>
#include <bsp/sync/retry.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace bsp::server {

class http_client;

/// Tells a URL of the operator's of every alert that begins or ends, by a POST of
///
///     {"id": "alert_…", "event": "raised", "alert": {…as in GET /alerts…}, "at": "2025-12-31T00:05:05Z", "backend_id": "local_…"}
///
/// with `BSP-Signature: sha256=` and the HMAC-SHA-256 of the body under a shared secret, in hexadecimal. What is not answered
/// with 2xx is sent again, byte for byte, after 1, 2, 4, … 64 seconds, in order: the receiver knows a repetition by its `id`.
/// Nothing waits for it, redirections are not followed, and of more than `queued_max` events the oldest are given up.
class alert_webhook {
public:
    static constexpr std::size_t queued_max = 256;

    struct receiver {
        std::string url;      ///< https, or http on a loopback address
        std::string secret;
        std::string ca_file;  ///< as of http_client
    };

    /// Throws std::runtime_error with one line when authorities cannot be read.
    alert_webhook(receiver to, std::string backend_id);
    /// Gives up what waits.
    ~alert_webhook();
    alert_webhook(alert_webhook const&) = delete;
    alert_webhook& operator=(alert_webhook const&) = delete;

    /// Returns at once; from any thread.
    void tell(observe::alert_event const& event);

    /// The value of `BSP-Signature` for a body.
    static std::string signature_of(std::string_view secret, std::string_view body);

private:
    void work();
    void send(std::string const& body);

    receiver const to_;
    std::string const backend_id_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::string> bodies_;
    std::uint64_t given_up_ = 0;  ///< events that no longer had a place
    std::optional<bool> delivered_;  ///< of the attempt that is under way
    bool stopping_ = false;
    std::unique_ptr<http_client> client_;
    std::thread thread_;
};

/// The secret of the webhook: that of the environment variable BSP_ALERT_WEBHOOK_SECRET, else of the file, which only
/// its owner may read. Throws std::runtime_error with one line when there is none, or it is shorter than 32 bytes.
std::string webhook_secret(std::string const& file);

}  // namespace bsp::server
