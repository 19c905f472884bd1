#include "server.hpp"

#include "alert_webhook.hpp"
#include "audit_file.hpp"
#include "client/sync_worker.hpp"
#include "clock.hpp"
#include "door/door.hpp"
#include "door/tls_identity.hpp"
#include "forwarded.hpp"
#include "keys/key_store.hpp"
#include "http_date.hpp"
#include "living_installation.hpp"
#include "log.hpp"
#include "operator_api.hpp"
#include "operator_desk.hpp"
#include "protocol.hpp"
#include "retention.hpp"
#include "routes.hpp"
#include "secure_file.hpp"
#include "storage/registry.hpp"
#include "storage/sync_switch.hpp"
#include "sync_control.hpp"
#include "telemetry.hpp"
#include "test_clock.hpp"
#include "watch.hpp"
#include "web/pages.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/policy/store_limiter.hpp>
#include <bsp/wire/problem.hpp>

#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <chrono>
#include <system_error>

namespace bsp::server {
namespace {

constexpr std::chrono::hours certificate_notice{14 * 24};  ///< before the end of a certificate the log speaks of it

/// Unique within the log: a random text per process, and a number.
class request_ids {
public:
    request_ids() {
        std::array<std::uint8_t, 4> random{};
        random_bytes(random);
        prefix_ = "r" + to_hex(random) + "-";
    }
    std::string next() { return prefix_ + std::to_string(++last_); }

private:
    std::string prefix_;
    std::atomic<std::uint64_t> last_{0};
};

http_response problem(error const& why) {
    http_response refusal{.status = why.status(), .headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}}, .body = wire::encode(why)};
    if (refusal.status == 503) refusal.headers.add("Retry-After", std::to_string(limits::unavailable_retry.count()));
    return refusal;
}

/// An answer of the door itself, which ends the connection.
std::string to_bytes(http_response const& response, std::string_view reason, bool without_body) {
    std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + ' ' + std::string{reason} + "\r\n";
    for (auto const& field : response.headers) bytes += field.first + ": " + field.second + "\r\n";
    bytes += "Content-Length: " + std::to_string(response.body.size()) + "\r\nConnection: close\r\nDate: " + http_date_now() + "\r\n\r\n";
    return without_body ? bytes : bytes + response.body;
}

std::string url_of(bool secure, std::string const& host, std::uint16_t port) {
    // The unspecified address is one to listen on, not one to call.
    std::string const name = host == "0.0.0.0" || host == "::" ? "localhost" : host.find(':') == std::string::npos ? host : "[" + host + "]";
    return (secure ? "https://" : "http://") + name + ":" + std::to_string(port);
}

}  // namespace

class server::parts {
public:
    explicit parts(config const& c)
        : config_{c}, data_dir_{expand_home(c.data_dir)}, installation_{made(data_dir_, c), c.type}, self_{installation_.current()->self},
          users_place_{c.users.empty() ? open_users(data_dir_) : expand_home(c.users).string()},
          secrets_{c.users.empty() ? users_file{std::shared_ptr{open_key_store(data_dir_)}} : users_file{expand_home(c.users)}}, store_{opened_store(c, data_dir_, self_)},
          ledger_{open_ledger(*store_)}, wishes_{open_switch(*store_)},
          trail_{*store_},
          protocol_{installation_, settings_, *store_, is_shared(*store_), secrets_, guards_},
          operator_{{[this](http_request const& r) { return protocol_.serve(r); }, wishes_.get(), [this] { return url_; }, self_.backend_id, self_.backend_type, server_clock{}.now()}},
          telemetry_{*store_, c.events_per_minute, guards_} {
        if (c.store != "memory") audit_file_ = std::make_unique<audit_file>(data_dir_, *store_, trail_);
        settings_.admin_token = open_admin_token(data_dir_);
        settings_.allowed_hosts = c.allowed_hosts;
        settings_.allowed_origins = c.allowed_origins;
        settings_.allowed_peers = c.allowed_peers;
        settings_.body_bytes_max = c.limits.body_bytes_max;
        settings_.base_url = c.base_url;
        // A hosted backend never calls a local one (BSP-REG-062), and pairs with nobody else.
        if (self_.backend_type == "local") {
            worker_ = std::make_unique<sync_worker>(
                sync_worker::world{installation_, settings_, *store_, *ledger_, wishes_.get(), ca_file_of(c)});
        } else if (!c.allowed_peers.empty()) {
            spdlog::warn("--peer-allow has no effect: a hosted backend is called, and calls nobody");
        }
        if (!c.alert_webhook.empty())
            webhook_ = std::make_unique<alert_webhook>(alert_webhook::receiver{c.alert_webhook, webhook_secret(c.alert_webhook_secret_file), ca_file_of(c)}, self_.backend_id);
        auto const shown = c.tls_certificate.empty() ? nullptr : read_certificate();
        try {
            // The door's port is part of the URL that requests are told, so none is answered before it is known.
            door_ = std::make_unique<door>(c.host, c.port, c.limits, handlers(), shown);
        } catch (std::system_error const& why) {
            throw std::runtime_error{why.what()};
        }
        if (c.test_clock) spdlog::warn("--test-clock: whoever has the admin token moves the clock of this server; it is for tests, and for nothing else");
        url_ = url_of(shown != nullptr, c.host, door_->port());
        if (settings_.base_url.empty()) settings_.base_url = url_;
        store_->on_commit([this] {
            door_->wake();
            if (worker_) worker_->wake();
            if (audit_file_) audit_file_->wake();
        });
        write_private_file(operator_desk::url_file(data_dir_), url_ + '\n', true);
        observed_.add_sink(log_alert);
        if (webhook_) observed_.add_sink([this](observe::alert_event const& e) { webhook_->tell(e); });
        observed_.set_disk([dir = data_dir_] { return free_bytes(dir); });
        share_observations(*store_, observed_);
        if (worker_) observed_.set_client([this](std::span<std::string const> ids) { return worker_->look(ids); });
        open_.store(true, std::memory_order_release);
        open_.notify_all();
        if (worker_) worker_->start(sync_control::lock_file(data_dir_));
        retention_ = std::make_unique<retention>(*store_, retention::rules{self_.backend_type == "hosted", std::chrono::hours{24} * static_cast<int>(c.audit_days)});
        watch_ = std::make_unique<watch>(observed_, *store_);
    }

    ~parts() { stop(); }

    void renew_certificate() {
        try {
            door_->show(read_certificate());
            spdlog::info("the certificate was read again");
        } catch (std::exception const& why) {
            spdlog::error("the certificate stays as it was: {}", why.what());
        }
    }

    void stop() {
        forget_url();
        if (retention_) retention_->stop();
        if (watch_) watch_->stop();
        door_->stop();
        if (worker_) worker_->stop();
        telemetry_.stop();
        if (audit_file_) audit_file_->stop();
        store_->on_commit({});  // other instances go on writing
        stop_sharing(*store_);
    }

    config const config_;
    std::filesystem::path const data_dir_;
    living_installation installation_;
    identity const self_;  ///< at the start; only its key can change
    std::string const users_place_;
    std::string url_;

private:
    static std::filesystem::path const& made(std::filesystem::path const& dir, config const& c) {
        make_data_dir(dir);
        choose_key_store(dir, c.key_store);
        return dir;
    }

    static std::unique_ptr<store_base> opened_store(config const& c, std::filesystem::path const& dir, identity const& self) {
        // What a local backend remembers of its peers lies in a file beside its data.
        if (is_postgres(c.store) && self.backend_type != "hosted") throw std::runtime_error{"--store: PostgreSQL is for hosted backends; this one is " + self.backend_type};
        protect_content(c.store, dir, c.encrypt_content);
        auto store = open_store(c.store, dir, c.store_connections);
        claim_store(*store, self.backend_id);
        // On a database that others share, a standby may have taken over.
        if (c.store == "sqlite" && trail_is_ahead(dir, *store))
            throw std::runtime_error{dir.string() + ": audit.jsonl reaches further than the store, which is an older copy or has lost its end. Bring back the latest, or let peers send again what is missing: bsp-server store new-epoch"};
        return store;
    }

    /// Counting in the store costs a commit for each request, which only servers that share budgets have a use for.
    [[nodiscard]] std::unique_ptr<limiter_base> opened_limiter() {
        bool const in_store = config_.limiter.empty() ? is_shared(*store_) : config_.limiter == "store";
        if (in_store) return std::make_unique<store_limiter>(*store_);
        return std::make_unique<window_limiter>();
    }

    [[nodiscard]] std::shared_ptr<tls_identity const> read_certificate() const {
        auto const now = server_clock{}.now();
        auto identity = std::make_shared<tls_identity const>(expand_home(config_.tls_certificate), expand_home(config_.tls_key), now);
        if (identity->valid_until() < now + certificate_notice) spdlog::warn("the certificate expires soon, at {}", format_timestamp(identity->valid_until()));
        return identity;
    }

    /// Another server of the same data directory may have written its own.
    void forget_url() const {
        auto const file = operator_desk::url_file(data_dir_);
        std::error_code ignored;
        if (read_file(file) == url_ + '\n') std::filesystem::remove(file, ignored);
    }

    static std::string ca_file_of(config const& c) { return c.ca_file.empty() ? "" : expand_home(c.ca_file).string(); }

    /// Behind a proxy the client is whom the proxy names; otherwise a client says what it likes.
    void settle_client(http_request& request) const {
        if (config_.behind_tls_proxy) request.remote = forwarded_client(request);
    }

    /// Whoever comes through the balancer does not know whose counters he gets, and would see them rise and fall.
    [[nodiscard]] bool asks_balancer_for_counters(http_request const& r) const {
        auto const* const host = r.headers.find("Host");
        return !config_.base_url.empty() && r.target.substr(0, r.target.find('?')) == endpoint::get_metrics::at.path && host && *host == endpoint::parts_of(config_.base_url).authority;
    }

    door_handlers handlers() {
        return {.answer =
                    [this](http_request&& request, bool close) {
                        open_.wait(false, std::memory_order_acquire);
                        settle_client(request);
                        return answer(std::move(request), close);
                    },
                .refuse =
                    [this](http_request const& known, error const& why) {
                        http_response response = problem(why);
                        request_scope const scope{ids_.next()};
                        response.headers.add("X-Request-Id", current_request_id());
                        log_request({known.remote, known.method, known.target, response.status, 0, response.body.size(), {}});
                        return to_bytes(response, row_of(why.code).title, known.method == "HEAD");
                    },
                .upgrade =
                    [this](http_request&& request, bool close) {
                        open_.wait(false, std::memory_order_acquire);
                        settle_client(request);
                        return upgrade(std::move(request), close);
                    }};
    }

    door_answer answer(http_request&& request, bool close) {
        std::shared_ptr<held_response const> held;
        http_request held_request;
        door_answer out = routes_.answer(std::move(request), close, [&](http_request const& r) {
            http_response response = logged(r, [&] {
                if (operator_api::is_meant(r)) return operator_.serve(r);
                if (auto page = serve_page(r)) return *std::move(page);
                if (auto moved = config_.test_clock ? serve_test_clock(r, settings_.admin_token) : std::nullopt) return *moved ? **std::move(moved) : problem(moved->error());
                if (is_shared(*store_) && asks_balancer_for_counters(r)) return problem(fail(errc::not_found, "counters are an instance's own: ask each at its own address"));
                return protocol_.serve(r);
            });
            held = std::move(response.held);
            if (held) held_request = r;
            return response;
        });
        if (held)
            out.held = held_answer{held->wait, [this, held, close, r = std::move(held_request)](bool last) { return answer_again(*held, r, close, last); }};
        return out;
    }

    std::optional<std::string> answer_again(held_response const& held, http_request const& request, bool close, bool last) {
        std::optional<http_response> given;
        try {
            given = held.again(server_clock{}.now(), last);
        } catch (std::exception const& why) {
            spdlog::error("a held request was abandoned: {}", why.what());
            given = problem(fail(errc::internal, ""));
        }
        if (!given) return std::nullopt;
        http_response const response = logged(request, [&] { return *std::move(given); });
        return routes_.answer(http_request{request}, close, [&](http_request const&) { return response; });
    }

    upgrade_answer upgrade(http_request&& request, bool close) {
        endpoint::stream_owner owner;
        http_response const response = logged(request, [&] {
            auto answered = protocol_.upgrade(request);
            owner = std::move(answered.owner);
            return std::move(answered.response);
        });
        if (response.status == 101) return {{}, telemetry_.stream_of(std::move(owner))};
        return {routes_.answer(std::move(request), close, [&](http_request const&) { return response; }), {}};
    }

    /// What `ask` answers to the request, with an entry in the log.
    template <class Ask>
    http_response logged(http_request const& request, Ask ask) {
        auto const begun = std::chrono::steady_clock::now();
        request_scope const scope{ids_.next()};
        http_response response;
        try {
            response = ask();
        } catch (std::exception const& why) {
            spdlog::error("a request was abandoned: {}", why.what());
            response = problem(fail(errc::internal, ""));
        }
        if (!response.held) observed_.counted().add_duration(std::chrono::steady_clock::now() - begun);
        response.headers.set("X-Request-Id", current_request_id());
        log_request({request.remote, request.method, request.target, response.status, request.body.size(), response.body.size(),
                     std::chrono::steady_clock::now() - begun, is_for_people(request)});
        return response;
    }

    /// Whoever follows the log would otherwise see little but himself.
    static bool is_for_people(http_request const& r) { return operator_api::is_meant(r) || r.target.starts_with("/ui/") || r.target == "/"; }

    settings settings_;
    users_file secrets_;
    std::unique_ptr<store_base> store_;
    std::unique_ptr<sync_ledger> ledger_;
    std::unique_ptr<sync_switch> wishes_;
    std::unique_ptr<sync_worker> worker_;
    std::unique_ptr<limiter_base> limits_{opened_limiter()};
    refusal_trail trail_;
    std::unique_ptr<alert_webhook> webhook_;
    observe::observatory observed_;
    guards guards_{*limits_, trail_, &observed_};
    std::unique_ptr<retention> retention_;
    std::unique_ptr<watch> watch_;
    protocol protocol_;
    operator_api operator_;
    request_ids ids_;
    routes routes_;
    telemetry telemetry_;
    std::unique_ptr<audit_file> audit_file_;  ///< nothing where the store forgets its trail
    std::atomic<bool> open_{false};
    std::unique_ptr<door> door_;
};

server::server(config const& c) : parts_{std::make_unique<parts>(c)} {}
server::~server() = default;
std::string const& server::url() const { return parts_->url_; }
identity const& server::self() const { return parts_->self_; }
std::filesystem::path const& server::data_dir() const { return parts_->data_dir_; }
std::string const& server::users_place() const { return parts_->users_place_; }
void server::renew_certificate() { parts_->renew_certificate(); }
void server::stop() { parts_->stop(); }

}  // namespace bsp::server
