#include "laboratory.hpp"

#include "observed_backend.hpp"

#include "../probe.hpp"

#include <bsp/json/parse.hpp>

#include <system_error>

namespace bsp::conformance {

namespace {

faulty::settings make_settings() {
    faulty::settings s;
    s.users = {{"ada", "k3mUv0qg7cJ2yT1wZr8nXh5bQe9dLpA4sFoYtGiHjNs"}, {"bob", "Qw7nT2xKc9vLs4RmZp1YbHdJe6Ug3FiAoXyB8tWqNz0"}};
    s.admin_token = "admin-4f1d7c2a9b";
    s.key = rsa_private_key::generate();
    s.allowed_origins = {"https://app.example"};
    return s;
}

surroundings_options make_options(faulty::settings const& s, std::filesystem::path const& flag) {
    surroundings_options o;
    for (auto const& [id, secret] : s.users) o.users.push_back({id, secret});
    o.admin_token = s.admin_token;
    o.seed = 1;
    o.restart_command = o.kill_command = "touch " + flag.string();
    return o;
}

}  // namespace

laboratory::laboratory()
    : flag{std::filesystem::temp_directory_path() / ("bsp-restart-" + faulty::random_hex(8))}, settings{make_settings()}, world{table, make_options(settings, flag)} {
    world.listed_origin = settings.allowed_origins.front();
    world.fuzz_time = std::chrono::seconds{12};
    world.battery = battery_of_a_fault;
    world.patient = true;
}

laboratory::~laboratory() {
    std::error_code none;
    std::filesystem::remove(flag, none);
}

void laboratory::put(std::shared_ptr<faulty::backend> b) {
    wind(b);
    put(faulty::handler{[b, this](http_request const& r, instant now) {
        std::error_code none;
        if (std::filesystem::remove(flag, none)) b->reboot();
        return b->handle(r, now);
    }});
}

void laboratory::put(faulty::handler h) {
    door.reset();
    table.put(std::move(h));
    look();
}

void laboratory::serve(faulty::maker make, faulty::settings s, std::optional<faulty::framing> reads) {
    door.reset();
    door = reads ? faulty::open_door(0, *reads) : std::make_unique<faulty::http_server>(0);
    s.base_url = door->url();
    start(make(s));
    look();
}

void laboratory::serve_client(faulty::maker make, faulty::settings s) {
    world.peer_door = listener::open("127.0.0.1:0").value();
    world.door_elsewhere = listener::open("127.0.0.1:0").value();
    s.peer_allow = {world.peer_door->origin()};
    door = faulty::open_door(0, {});  // which has a thread for each connection: all checks of a client may run at once
    s.base_url = door->url();
    std::shared_ptr<faulty::backend> const b = make(s);
    start(b);
    client = std::jthread{[b](std::stop_token stop) { b->run_client(stop); }};
    look();
}

/// Has --clock-url move the time of a backend.
void laboratory::wind(std::shared_ptr<faulty::backend> const& b) {
    world.clock = in_process([b](http_request const& r, instant) {
        auto const said = json::parse(r.body);
        b->advance(std::chrono::milliseconds{said ? integer_at(*said, "/advance_ms", 0) : 0});
        return http_response{204, {}, ""};
    });
}

void laboratory::start(std::shared_ptr<faulty::backend> const& b) {
    wind(b);
    door->start([b, this](http_request const& r, instant now) {
        std::error_code none;
        if (std::filesystem::remove(flag, none)) b->reboot();
        return b->handle(r, now);
    }, b);
    table.put(connect_to(door->url()).value());
}

void laboratory::look() {
    world.lost = false;
    world.answers.forget();
    world.clock_offset = {};
    world.identity.reset();
    world.patience_ms = 60'000;
    (void)probe(world);
}

}  // namespace bsp::conformance
