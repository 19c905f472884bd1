#include "faults.hpp"
#include "observed_backend.hpp"

#include <bsp/json/parse.hpp>

#include <CLI/CLI.hpp>

#include <boost/json/serialize.hpp>

#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

namespace {

/// Success for a push, whatever it says, without a look at it.
bsp::http_response forgetful_answer(bsp::http_request const& push) {
    auto const body = bsp::json::parse(push.body);
    auto const* sync_id = body && body->is_object() ? bsp::json::find_string(body->get_object(), "sync_id") : nullptr;
    bsp::json::object const answer{{"status", "synced"}, {"acked_sync_id", sync_id ? std::string{bsp::json::view(*sync_id)} : ""}, {"conflicts", bsp::json::array{}}};
    return {200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, boost::json::serialize(answer)};
}

/// What `--test-clock` answers; the correct backend has no such path.
bsp::http_response moved(bsp::faulty::backend& b, bsp::http_request const& r, std::string const& admin_token) {
    auto const* field = r.headers.find("Authorization");
    if (!field || admin_token.empty() || *field != "Bearer " + admin_token) return {403, {}, ""};
    auto const body = bsp::json::parse(r.body);
    auto const* by = body && body->is_object() ? body->get_object().if_contains("advance_ms") : nullptr;
    if (r.method != "POST" || !by || !by->is_int64() || by->get_int64() < 0) return {422, {}, ""};
    b.advance(std::chrono::milliseconds{by->get_int64()});
    return {204, {}, ""};
}

}  // namespace

/// Serves the correct backend, or one with a fault, for whoever wants to try a suite on it.
int main(int argc, char** argv) {
    CLI::App app{"A backend with one fault of the kill matrix, or with none.", "bsp-faulty"};
    std::string fault_id, users_file, type = "hosted", format = "text";
    bsp::faulty::settings s;
    int port = 8825;
    bool list = false;
    app.add_option("--fault", fault_id, "id of the fault, e.g. F-SYN-10; none: the correct backend");
    app.add_option("--port", port, "port on 127.0.0.1; 0: any")->capture_default_str();
    app.add_option("--users", users_file, "JSON file: user id to pairing secret");
    app.add_option("--admin-token", s.admin_token, "token of the administrator");
    app.add_option("--type", type, "local or hosted")->check(CLI::IsMember({"local", "hosted"}))->capture_default_str();
    app.add_option("--peer-allow", s.peer_allow, "origin that may be called, e.g. http://127.0.0.1:9000; may be repeated")->type_name("ORIGIN");
    app.add_option("--allow-origin", s.allowed_origins, "origin whose pages may call, e.g. https://app.example; may be repeated")->type_name("ORIGIN");
    bool test_clock = false;
    app.add_flag("--test-clock", test_clock, "POST /clock with the admin token and {\"advance_ms\": N} moves the clock forwards");
    unsigned forget_every = 0;
    app.add_option("--forget-every", forget_every, "acknowledge every Nth push and forget it: a fault that shows rarely");
    app.add_flag("--list", list, "list the faults and leave");
    app.add_option("--format", format, "of the list: text or json")->check(CLI::IsMember({"text", "json"}));
    CLI11_PARSE(app, argc, argv);

    if (list) {
        bsp::json::array rows;
        for (auto const& f : bsp::faulty::all_faults())
            rows.push_back(bsp::json::object{{"id", f.id},
                                             {"title", f.title},
                                             {"killed_by", bsp::json::array(f.killed_by.begin(), f.killed_by.end())},
                                             {"needs_restart", f.needs == bsp::faulty::setting::restart},
                                             {"needs_listener", f.needs == bsp::faulty::setting::client || f.needs == bsp::faulty::setting::hosted_client}});
        if (format == "json") std::cout << boost::json::serialize(rows) << '\n';
        else
            for (auto const& f : bsp::faulty::all_faults()) std::cout << f.id << "  " << f.title << '\n';
        return 0;
    }
    bsp::faulty::fault const* fault = fault_id.empty() ? nullptr : bsp::faulty::find_fault(fault_id);
    if (!fault_id.empty() && (!fault || !fault->make)) {
        std::cerr << "bsp-faulty: " << (fault ? "this fault cannot be shown: " + std::string{fault->title} : "no such fault: " + fault_id) << '\n';
        return 3;
    }
    if (!users_file.empty()) {
        std::ifstream in{users_file};
        auto const users = bsp::json::parse(std::string{std::istreambuf_iterator<char>{in}, {}});
        if (!users || !users->is_object()) {
            std::cerr << "bsp-faulty: " << users_file << " is not a JSON object of secrets by user id\n";
            return 3;
        }
        for (auto const& u : users->get_object())
            if (u.value().is_string()) s.users[std::string{bsp::json::view(u.key())}] = std::string{bsp::json::view(u.value().get_string())};
    }
    using bsp::faulty::setting;
    s.backend_type = fault && (fault->needs == setting::local || fault->needs == setting::client) ? "local" : type;

    try {
        auto const server = bsp::faulty::open_door(port, fault && fault->door ? *fault->door : bsp::faulty::framing{});
        s.base_url = server->url();
        std::shared_ptr<bsp::faulty::backend> const backend = fault ? fault->make(s) : bsp::faulty::complete_backend(s);
        std::atomic<unsigned> pushes = 0;
        server->start([&, backend](bsp::http_request const& r, bsp::instant now) {
            bool const is_push = r.method == "POST" && r.target.starts_with("/sync/");
            if (forget_every > 0 && is_push && ++pushes % forget_every == 0) return forgetful_answer(r);
            if (test_clock && r.target == "/clock") return moved(*backend, r, s.admin_token);
            return backend->handle(r, now);
        }, backend);
        std::jthread const client{[backend](std::stop_token stop) { backend->run_client(stop); }};
        std::cout << server->url() << std::endl;
        server->wait();
    } catch (std::exception const& e) {
        std::cerr << "bsp-faulty: " << e.what() << '\n';
        return 1;
    }
}
