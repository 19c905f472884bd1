#include "alert_webhook.hpp"

#include "client/http_client.hpp"
#include "data_dir.hpp"
#include "secure_file.hpp"

#include <bsp/adapters/system_clock.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/value.hpp>
#include <bsp/sync/url.hpp>

#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace bsp::server {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto answer_patience = 10s;
constexpr std::size_t secret_bytes_min = 32;

std::string new_id() {
    std::array<std::uint8_t, 16> random{};
    random_bytes(random);
    return "alert_" + to_hex(random);
}

std::string body_of(observe::alert_event const& e, std::string const& backend_id) {
    return R"({"id": ")" + new_id() + R"(", "event": ")" + (e.what == observe::alert_event::kind::raised ? "raised" : "cleared") + R"(", "alert": )" + wire::encode(e.alert) +
           R"(, "at": ")" + format_timestamp(e.at) + R"(", "backend_id": )" + json::serialize(json::string{backend_id}) + '}';
}

}  // namespace

std::string alert_webhook::signature_of(std::string_view secret, std::string_view body) { return "sha256=" + to_hex(hmac_sha256(secret, body)); }

alert_webhook::alert_webhook(receiver to, std::string backend_id)
    : to_{std::move(to)},
      backend_id_{std::move(backend_id)},
      client_{std::make_unique<http_client>(http_client::bounds{.header_bytes_max = 16u << 10, .body_bytes_max = 64u << 10, .under_way_max = 4}, to_.ca_file)},
      thread_{[this] { work(); }} {}

alert_webhook::~alert_webhook() {
    {
        std::lock_guard const lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    client_->stop();
}

void alert_webhook::tell(observe::alert_event const& event) {
    {
        std::lock_guard const lock{mutex_};
        if (bodies_.size() >= queued_max) bodies_.pop_front(), ++given_up_;
        bodies_.push_back(body_of(event, backend_id_));
    }
    wake_.notify_one();
}

void alert_webhook::work() {
    sync::backoff pause;
    std::unique_lock lock{mutex_};
    for (;;) {
        wake_.wait(lock, [&] { return stopping_ || !bodies_.empty(); });
        if (stopping_) return;
        std::string const body = bodies_.front();
        if (auto const n = std::exchange(given_up_, 0); n > 0) spdlog::warn("alert webhook: {} events are given up: the receiver has not taken any for too long", n);
        delivered_.reset();
        send(body);
        wake_.wait(lock, [&] { return stopping_ || delivered_; });
        if (stopping_) return;
        if (*delivered_) {
            pause.reset();
            if (!bodies_.empty() && bodies_.front() == body) bodies_.pop_front();  // else it has lost its place meanwhile
            continue;
        }
        pause.handle_failure({system_clock{}.now(), clock::now().time_since_epoch()});
        wake_.wait_until(lock, clock::time_point{std::chrono::duration_cast<clock::duration>(*pause.until())}, [&] { return stopping_; });
    }
}

void alert_webhook::send(std::string const& body) {
    auto const parts = sync::split_url(to_.url);
    http_request request{.method = "POST",
                         .target = parts.path.empty() ? "/" : std::string{parts.path},
                         .headers = {{"Host", std::string{parts.authority}}, {"Content-Type", "application/json"}, {"BSP-Signature", signature_of(to_.secret, body)}},
                         .body = body,
                         .remote = {}};
    client_->send(std::string{parts.origin}, std::move(request), clock::now() + answer_patience, [this](result<http_response> const& answer) {
        bool const taken = answer && answer->status >= 200 && answer->status < 300;
        if (!taken) spdlog::warn("alert webhook: not delivered, and tried again: {}", answer ? "the receiver answers " + std::to_string(answer->status) : answer.error().detail);
        {
            std::lock_guard const lock{mutex_};
            delivered_ = taken;
        }
        wake_.notify_one();
    });
}

std::string webhook_secret(std::string const& file) {
    std::string secret;
    if (char const* given = std::getenv("BSP_ALERT_WEBHOOK_SECRET"); given != nullptr && *given != '\0') secret = given;
    else if (!file.empty()) {
        auto text = read_private_file(expand_home(file));
        if (!text) throw std::runtime_error{"--alert-webhook-secret-file: " + file + " does not exist"};
        secret = *std::move(text);
        while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
    } else {
        throw std::runtime_error{"--alert-webhook: needs a secret, in BSP_ALERT_WEBHOOK_SECRET or in the file of --alert-webhook-secret-file"};
    }
    if (secret.size() < secret_bytes_min) throw std::runtime_error{"--alert-webhook: the secret must have 32 bytes or more"};
    return secret;
}

}  // namespace bsp::server
