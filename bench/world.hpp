#pragma once

#include <bsp/adapters/memory_replay_guard.hpp>
#include <bsp/adapters/os_entropy.hpp>
#include <bsp/auth/assertion.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/endpoint/dispatch.hpp>
#include <bsp/sbt/sbt.hpp>
#include <bsp/testing/manual_clock.hpp>
#include <bsp/testing/map_secret_book.hpp>
#include <bsp/testing/memory_store.hpp>
#include <reference_server/storage/sqlite_store.hpp>

#include <benchmark/benchmark.h>

#include <unistd.h>
#include <atomic>
#include <chrono>
#include <concepts>
#include <ctime>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// A backend with one user and one paired device, on a store of choice.
namespace bsp::bench {

/// A folder of its own on a disk, gone with the object.
class scratch_folder {
public:
    scratch_folder() {
        static std::atomic<int> made = 0;
        path_ = std::filesystem::temp_directory_path() / ("bsp-bench-" + std::to_string(::getpid()) + '-' + std::to_string(++made));
        std::filesystem::create_directories(path_);
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_folder(scratch_folder const&) = delete;
    scratch_folder& operator=(scratch_folder const&) = delete;

    [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

enum class kind : std::int64_t { memory, sqlite };
inline char const* name_of(kind k) { return k == kind::memory ? "memory" : "sqlite"; }

inline rsa_private_key const& server_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}
inline rsa_private_key const& device_key() {
    static rsa_private_key const key = rsa_private_key::generate();
    return key;
}

/// About 300 octets each, as in a chat.
inline json::object message(std::string id, std::int64_t version = 1) {
    return {{"id", std::move(id)},
            {"role", "user"},
            {"content", "Could you move the meeting with Zo\xC3\xAB to Thursday, and tell the others? I shall be travelling until noon."},
            {"timestamp", "2025-12-31T00:00:00Z"},
            {"surface", "web"},
            {"source_backend", "local"},
            {"version", version}};
}

inline json::object conversation(std::string_view id, json::array messages, std::int64_t version = 1) {
    return {{"conversation_id", id},
            {"version", version},
            {"messages", std::move(messages)},
            {"surfaces", {"web"}},
            {"last_modified", "2025-12-31T00:00:00Z"},
            {"source_backend", "local"}};
}

inline json::array messages(std::size_t count, std::string const& prefix) {
    json::array all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(message(prefix + std::to_string(i)));
    return all;
}

class world {
public:
    explicit world(kind k)
        : world{[k](scratch_folder const& folder) {
              return k == kind::memory ? std::unique_ptr<store_base>{std::make_unique<testing::memory_store>()} : std::make_unique<server::sqlite_store>(folder.file("store"));
          }} {}
    explicit world(std::unique_ptr<store_base> store) : world{[&](scratch_folder const&) { return std::move(store); }} {}

    http_response send(http_request const& request) { return handle(env_, request, clock_.now()); }
    static http_request request(std::string method, std::string target, std::string authorization, std::string body = "") {
        http_request r{.method = std::move(method),
                       .target = std::move(target),
                       .headers = {{"Host", "localhost"}},
                       .body = std::move(body),
                       .remote = ""};
        if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
        if (!r.body.empty()) r.headers.add("Content-Type", "application/json");
        return r;
    }
    http_response send(std::string method, std::string target, std::string authorization, std::string body) {
        return send(request(std::move(method), std::move(target), std::move(authorization), std::move(body)));
    }

    /// A signed push, ready to be sent.
    http_request push(json::array conversations) {
        json::object body{{"sync_id", "sync_" + std::to_string(++made_)},
                          {"timestamp", format_timestamp(clock_.now())},
                          {"conversations", std::move(conversations)}};
        body["signature"] = sign_object(body, device_key()).value();
        return request("POST", "/sync/" + peer_id_, "", json::serialize(body));
    }
    http_request pull(std::string const& query) {
        std::string const target = "/sync/" + peer_id_ + query;
        return request("GET", target, "BSP " + mint_peer_assertion(claims("GET", target, "local_1", peer_id_), device_key()));
    }
    http_request read(std::string const& conversation_id) {
        std::string const target = "/conversations/" + conversation_id;
        return request("GET", target, "BSP-User " + mint_user_assertion(claims("GET", target, "ada", "ada"), secrets_.secrets.at("ada")));
    }

    /// Fills a conversation with `count` messages.
    void fill(std::string const& conversation_id, std::size_t count) {
        for (std::size_t done = 0; done < count; done += 10'000)
            accepted(send(push(
                {conversation(conversation_id, messages(std::min<std::size_t>(count - done, 10'000), "m" + std::to_string(done) + '-'))})));
    }

    static http_response accepted(http_response response) {
        if (response.status != 200) throw std::runtime_error{response.body};
        return response;
    }

    /// Has requests watched over from now on.
    void watch(guards& by) { env_.guards = &by; }
    void pass(std::chrono::milliseconds time) { clock_.advance(time); }
    [[nodiscard]] store_base& store() { return *store_; }
    [[nodiscard]] std::string const& peer_id() const { return peer_id_; }

    std::string fresh_id() { return "new-" + std::to_string(++made_); }

private:
    template <class MakeStore>
        requires std::invocable<MakeStore&, scratch_folder const&>
    explicit world(MakeStore make) : store_{make(folder_)} {
        using namespace std::chrono_literals;
        json::object const token =
            mint_sbt({"sess_1", "local_1", self_.backend_id, "ada", clock_.now(), clock_.now() + 8h}, secrets_.secrets.at("ada"));
        json::object const body{{"backend_identity",
                                 {{"backend_id", "local_1"},
                                  {"backend_type", "local"},
                                  {"public_key", device_key().public_key().pem()},
                                  {"capabilities", {"offline"}},
                                  {"version", "1.0"}}},
                                {"sbt", token}};
        peer_id_ = json::parse(accepted(send("POST", "/register-peer", "", json::serialize(body))).body).value().at("peer_id").as_string();
    }

    assertion_claims claims(std::string_view method, std::string_view target, std::string_view iss, std::string_view sub) {
        std::int64_t const now = clock_.now().seconds;
        return {std::string{iss},
                std::string{sub},
                self_.backend_id,
                "jti-" + std::to_string(++made_),
                std::string{method},
                std::string{target},
                now,
                now + 60};
    }

    scratch_folder folder_;
    std::unique_ptr<store_base> store_;
    os_entropy entropy_;
    testing::map_secret_book secrets_{{{"ada", "secret of ada, thirty-two bytes."}}};
    memory_replay_guard replays_;
    testing::manual_clock clock_;
    identity self_{"hosted_1", "hosted", server_key().public_key().pem(), "1.0", {}, {1'700'000'000, 0}};
    settings config_{.base_url = "http://localhost:8825", .admin_token = "", .allowed_hosts = {}, .allowed_origins = {}};
    environment<store_base, os_entropy, testing::map_secret_book, memory_replay_guard> env_{self_,    server_key(), config_, *store_,
                                                                                            entropy_, secrets_,     replays_};
    std::string peer_id_;
    std::int64_t made_ = 0;
};

/// CPU time of all threads so far, in milliseconds: what a busy machine does not distort.
inline double cpu_ms() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

/// Measures `run(prepare())`, and of it only `run`; the counter `cpu_ms` is its CPU time. Needs UseManualTime.
template <class Prepare, class Run>
void measure(benchmark::State& state, Prepare prepare, Run run) {
    double cpu = 0;
    for (auto _ : state) {
        auto const prepared = prepare();
        double const cpu_before = cpu_ms();
        auto const begin = std::chrono::steady_clock::now();
        run(prepared);
        state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        cpu += cpu_ms() - cpu_before;
    }
    state.counters["cpu_ms"] = benchmark::Counter(cpu, benchmark::Counter::kAvgIterations);
}

}  // namespace bsp::bench
