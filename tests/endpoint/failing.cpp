#include "world.hpp"

#include <functional>
#include <set>
#include <thread>
#include <vector>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(failing_storage)

namespace {

/// All that can be seen of the state, straight from the memory beneath.
std::string state_of(world& w, std::string const& peer_id) {
    std::string text;
    auto const seen = w.memory.read([&](store_reader& r) -> result<> {
        auto& mine = r.tenant("ada");
        for (auto const& h : mine.heads("", 100).value()) {
            text += h.conversation_id + ' ' + h.scalars.body + '\n';
            for (auto const& m : mine.messages_in_order(h.conversation_id, std::nullopt, 100).value()) text += m.body + '\n';
        }
        if (auto const last = mine.last_change().value()) text += format_timestamp(*last) + '\n';
        for (auto const& p : r.peers(std::nullopt, "", 100).value()) text += p.peer_id + p.sbt + std::to_string(p.total_syncs) + '\n';
        for (char const* sync_id : {"s1", "s2"})
            if (mine.receipt(peer_id, sync_id).value()) text += sync_id;
        return ok();
    });
    BOOST_REQUIRE(seen.has_value());
    return text;
}

}  // namespace

// BSP-GEN-110: whichever operation fails, the answer is 503 and nothing has changed; and the
// same request succeeds once storage is back.
BOOST_AUTO_TEST_CASE(every_operation_of_every_endpoint) {
    struct scene {
        char const* name;
        std::function<answer(world&, std::string const&)> act;
    };
    std::vector<scene> const scenes{
        {"register", [](world& w, std::string const&) { return w.post_registration(world::registration(mint_sbt(w.sbt_claims_of("ada", laptop), w.secrets.secrets.at("ada")), laptop, other_key())); }},
        {"register again", [](world& w, std::string const&) {
             w.clock.advance(1s);
             return w.post_registration(world::registration(mint_sbt(w.sbt_claims_of(), w.secrets.secrets.at("ada"))));
         }},
        {"push", [](world& w, std::string const& id) { return w.push(id, {world::conversation({world::message("m1", 1, "edit"), world::message("m2", 2)}), world::conversation({}, 1, "new")}, "s2"); }},
        {"pull", [](world& w, std::string const& id) { return w.pull(id, "?limit=1"); }},
        {"digest", [](world& w, std::string const& id) { return w.peer_sends("GET", "/sync/" + id + "/digest", id); }},
        {"read", [](world& w, std::string const&) { return w.user_sends("GET", "/conversations/main?conflicts=1"); }},
        {"list", [](world& w, std::string const&) { return w.user_sends("GET", "/conversations"); }},
        {"write", [](world& w, std::string const&) { return w.user_sends("POST", "/conversations/main/messages", "ada", R"({"role":"user","content":"x","surface":"web","id":"m9"})"); }},
        {"delete message", [](world& w, std::string const&) { return w.user_sends("DELETE", "/conversations/main/messages/m1"); }},
        {"delete conversation", [](world& w, std::string const&) { return w.user_sends("DELETE", "/conversations/main"); }},
        {"peers", [](world& w, std::string const&) { return w.send("GET", "/peers", w.as_admin()); }},
        {"unpair", [](world& w, std::string const& id) { return w.user_sends("DELETE", "/peers/" + id); }},
        {"revoke", [](world& w, std::string const& id) { return w.send("DELETE", "/peers/" + id, w.as_admin()); }},
        {"health", [](world& w, std::string const&) { return w.send("GET", "/health"); }},
    };
    for (auto const& scene : scenes) {
        std::size_t failures = 0;
        for (std::size_t n = 0;; ++n) {
            world w;
            std::string const id = w.pair();
            BOOST_REQUIRE_EQUAL(w.push(id, {world::conversation({world::message("m1", 1)})}, "s1").verdict(), "200");
            std::string const before = state_of(w, id);
            w.store.fail_at(n);
            auto const a = scene.act(w, id);
            if (!w.store.has_failed()) {
                BOOST_TEST(a.raw.status < 300, scene.name << " without a failure: " << a);
                break;
            }
            ++failures;
            BOOST_TEST(a.verdict() == "503 unavailable", scene.name << ", operation " << n);
            BOOST_TEST(state_of(w, id) == before, scene.name << ", operation " << n);
            w.store.never_fail();
            BOOST_TEST(scene.act(w, id).raw.status < 300, scene.name << ", operation " << n << ", afterwards");
        }
        BOOST_TEST(failures >= 2u, scene.name);
    }
}

BOOST_AUTO_TEST_CASE(identity_does_not_need_the_store) {
    world w;
    w.store.fail_at(0);
    BOOST_TEST(w.send("GET", "/identity").verdict() == "200");
    BOOST_TEST(w.send("GET", "/health").verdict() == "503 unavailable");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(concurrency)

// BSP-SYN-054: the result of concurrent pushes is the join of all that were accepted.
BOOST_AUTO_TEST_CASE(concurrent_pushes_all_count) {
    world w;
    std::string const id = w.pair();
    constexpr int threads = 4, rounds = 8;
    environment env{w.self, server_key(), w.config, w.memory, w.entropy, w.secrets, w.replays};
    std::atomic<int> accepted = 0;
    std::vector<std::thread> running;
    for (int n = 0; n < threads; ++n)
        running.emplace_back([&, n] {
            for (int i = 0; i < rounds; ++i) {
                std::string const name = std::to_string(n) + '-' + std::to_string(i);
                auto body = w.payload({world::conversation({world::message(name, 1), world::message("shared", n + 1, name)})}, "s" + name);
                body["signature"] = sign_object(body, phone_key()).value();
                auto const a = handle(env, {.method = "POST", .target = "/sync/" + id, .headers = {{"Host", "localhost"}, {"Content-Type", "application/json"}}, .body = json::serialize(body), .remote = ""}, w.clock.now());
                accepted += a.status == 200;
            }
        });
    for (auto& t : running) t.join();
    BOOST_TEST(accepted == threads * rounds);
    auto const read = w.read().body();
    BOOST_TEST(read.at("messages").as_array().size() == static_cast<std::size_t>(threads * rounds + 1));
    auto const peer = w.memory.read([&](store_reader& r) { return r.peer(id); }).value();
    BOOST_TEST(peer->total_syncs == threads * rounds);
}

BOOST_AUTO_TEST_SUITE_END()
