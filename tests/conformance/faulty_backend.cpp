#include <conformance/faulty/faults.hpp>

#include <bsp/auth/assertion.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/sbt/sbt.hpp>

#include <boost/test/unit_test.hpp>

#include <set>

/// The correct backend behind the faults, in a few whole flows: if it were wrong, so would be the matrix.
namespace {

using namespace bsp;
namespace json = bsp::json;

constexpr instant start{1'767'139'200, 0};  // 2025-12-31T00:00:00Z
constexpr char secret[] = "k3mUv0qg7cJ2yT1wZr8nXh5bQe9dLpA4sFoYtGiHjNs";

rsa_private_key const& some_key(int n) {
    static rsa_private_key const keys[] = {rsa_private_key::generate(), rsa_private_key::generate(), rsa_private_key::generate()};
    return keys[n];
}

/// A backend and one registered peer of the user ada.
struct world {
    faulty::settings settings{.base_url = "http://localhost:8825", .backend_type = "hosted", .users = {{"ada", secret}, {"bob", std::string(43, 'b')}}, .admin_token = "token", .key = some_key(0)};
    faulty::backend backend{settings};
    std::string self = text(body(send("GET", "/identity")), "backend_id");
    std::string local_id = "local_sha256_0123456789abcdef";
    std::string peer_id;
    instant now = start;
    int jti = 0;

    world() { peer_id = text(body(register_peer()), "peer_id"); }

    static json::object body(http_response const& r) { return json::parse(r.body).value().as_object(); }
    static std::string text(json::object const& o, char const* name) { return std::string{json::view(o.at(name).as_string())}; }

    http_response send(std::string method, std::string target, std::string authorization = {}, std::string content = {}) {
        http_request r{std::move(method), std::move(target), {{"Host", "localhost:8825"}}, std::move(content), {}};
        if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
        if (!r.body.empty()) r.headers.add("Content-Type", "application/json");
        return backend.handle(r, now);
    }
    http_response register_peer(rsa_private_key const& key = some_key(1)) {
        json::object const sbt = mint_sbt({"sess_1", local_id, self, "ada", now, now + std::chrono::hours{8}}, secret);
        json::object const identity{{"backend_id", local_id}, {"backend_type", "local"}, {"public_key", key.public_key().pem()}, {"version", "1.0"}};
        return send("POST", "/register-peer", {}, json::serialize(json::object{{"backend_identity", identity}, {"sbt", sbt}}));
    }
    std::string as_peer(std::string const& method, std::string const& target) {
        assertion_claims const c{local_id, peer_id, self, "jti" + std::to_string(++jti), method, target, now.seconds, now.seconds + 60};
        return "BSP " + mint_peer_assertion(c, some_key(1));
    }
    std::string as_user(std::string const& method, std::string const& target, std::string const& user = "ada") {
        assertion_claims const c{user, user, self, "jti" + std::to_string(++jti), method, target, now.seconds, now.seconds + 60};
        return "BSP-User " + mint_user_assertion(c, settings.users.at(user));
    }
    json::object message(std::string const& id, std::string const& content, int version, std::string const& timestamp = "2025-12-31T00:00:00Z") {
        return {{"id", id}, {"role", "user"}, {"content", content}, {"timestamp", timestamp}, {"surface", "web"}, {"source_backend", "local"}, {"version", version}};
    }
    json::object conversation(std::string const& id, int version, json::array messages, std::string const& modified = "2025-12-31T00:00:00Z") {
        return {{"conversation_id", id}, {"version", version}, {"messages", std::move(messages)}, {"surfaces", json::array{"web"}}, {"last_modified", modified}, {"source_backend", "local"}};
    }
    http_response push(json::array conversations, std::string const& sync_id) {
        json::object payload{{"sync_id", sync_id}, {"timestamp", format_timestamp(now)}, {"conversations", std::move(conversations)}};
        payload["signature"] = sign_object(payload, some_key(1)).value();
        return send("POST", "/sync/" + peer_id, {}, json::serialize(payload));
    }
    json::object get(std::string const& target) { return body(send("GET", target, as_peer("GET", target))); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(faulty_backend)

BOOST_FIXTURE_TEST_CASE(a_push_is_read_back_verbatim, world) {
    BOOST_TEST(push({conversation("main", 1, {message("m1", "hi \xF0\x9F\x98\x80", 1)})}, "s1").status == 200);
    json::object const read = body(send("GET", "/conversations/main", as_user("GET", "/conversations/main")));
    BOOST_TEST((read.at("messages").as_array().at(0).as_object() == message("m1", "hi \xF0\x9F\x98\x80", 1)));
    BOOST_TEST(send("GET", "/conversations/main", as_user("GET", "/conversations/main", "bob")).status == 404);
}

BOOST_FIXTURE_TEST_CASE(messages_are_united_whatever_the_conversation_version, world) {
    push({conversation("main", 5, {message("m1", "a", 1)})}, "s1");
    push({conversation("main", 3, {message("m2", "b", 1)})}, "s2");
    push({conversation("main", 9, {})}, "s3");
    json::object const read = get("/conversations/main");
    BOOST_TEST(read.at("messages").as_array().size() == 2u);
    BOOST_TEST(read.at("version").as_int64() == 9);
}

BOOST_FIXTURE_TEST_CASE(scalar_writes_agree_in_every_order, world) {
    // The example of section 7.3.
    auto write = [&](int version, char const* modified, char const* title) {
        json::object c = conversation("c", version, {}, modified);
        c["title"] = title;
        return c;
    };
    std::vector<json::object> writes{write(5, "2025-12-31T00:00:10Z", "x"), write(3, "2025-12-31T00:00:20Z", "y"), write(5, "2025-12-31T00:00:15Z", "z")};
    std::vector<int> order{0, 1, 2};
    do {
        std::string const id = "c" + std::to_string(order[0]) + std::to_string(order[1]) + std::to_string(order[2]);
        for (int i : order) {
            json::object c = writes[static_cast<std::size_t>(i)];
            c["conversation_id"] = id;
            BOOST_TEST(push({c}, id + std::to_string(i)).status == 200);
        }
        json::object const read = get("/conversations/" + id);
        BOOST_TEST(text(read, "title") == "z");
        BOOST_TEST(read.at("version").as_int64() == 5);
        BOOST_TEST(text(read, "last_modified") == "2025-12-31T00:00:20Z");
    } while (std::next_permutation(order.begin(), order.end()));
}

BOOST_FIXTURE_TEST_CASE(the_digest_decides_ties_as_the_specification_shows, world) {
    json::object left{{"id", "m1"}, {"role", "user"}, {"content", "left"}, {"timestamp", "2025-12-31T00:00:01Z"}, {"surface", "web"}, {"source_backend", "local"}, {"version", 4}};
    json::object right{{"id", "m1"}, {"role", "user"}, {"content", "right"}, {"timestamp", "2025-12-31T01:00:01+01:00"}, {"surface", "ios"}, {"source_backend", "hosted"}, {"version", 4}};
    push({conversation("a", 1, {left})}, "s1");
    json::object const answer = body(push({conversation("a", 1, {right})}, "s2"));
    BOOST_TEST(text(answer.at("conflicts").as_array().at(0).as_object(), "winner") == "incoming");
    push({conversation("b", 1, {right})}, "s3");
    push({conversation("b", 1, {left})}, "s4");
    for (char const* id : {"a", "b"}) BOOST_TEST((get("/conversations/" + std::string{id}).at("messages").as_array().at(0).as_object() == right));
}

BOOST_FIXTURE_TEST_CASE(the_digest_is_that_of_the_specification, world) {
    json::object m1{{"id", "m1"}, {"role", "user"}, {"content", "hi \xF0\x9F\x98\x80"}, {"timestamp", "2025-12-31T00:00:01.5Z"}, {"surface", "ios"}, {"source_backend", "local"}, {"version", 1}};
    json::object m2 = message("m2", "", 2);
    m2["deleted"] = true;
    json::object main = conversation("main", 3, {m1, m2}, "2025-12-31T00:00:02Z");
    main["title"] = "J\xC3\xB6rg";
    json::object notes = conversation("notes", 1, {});
    notes["source_backend"] = "hosted";
    notes["surfaces"] = json::array{};
    push({main, notes}, "s1");
    json::object const d = get("/sync/" + peer_id + "/digest");
    BOOST_TEST(text(d, "digest") == "aafd147c266847ec3da1d9a78447ea5754bc1baf0cb51edc7c0c2615dfa95903");
    BOOST_TEST(d.at("conversations").as_int64() == 2);
}

BOOST_FIXTURE_TEST_CASE(a_repetition_has_no_effect_and_reuse_is_refused, world) {
    json::array const once{conversation("main", 1, {message("m1", "a", 1)})};
    push(once, "s1");
    std::string const mark = text(get("/sync/" + peer_id), "last_sync");
    now = now + std::chrono::seconds{5};
    BOOST_TEST(push(once, "s1").status == 200);
    BOOST_TEST(get("/sync/" + peer_id + "?since=" + mark).at("conversations").as_array().empty());
    BOOST_TEST(push({conversation("main", 2, {})}, "s1").status == 409);
}

BOOST_FIXTURE_TEST_CASE(pages_hold_everything_once, world) {
    json::array many;
    for (int i = 0; i < 7; ++i) many.push_back(conversation("c" + std::to_string(i), 1, {}));
    push(many, "s1");
    std::set<std::string> seen;
    std::string target = "/sync/" + peer_id + "?limit=3";
    for (int pages = 0; pages < 9; ++pages) {
        json::object const page = get(target);
        for (auto const& c : page.at("conversations").as_array()) seen.insert(text(c.as_object(), "conversation_id"));
        if (!page.at("has_more").as_bool()) break;
        target = "/sync/" + peer_id + "?limit=3&cursor=" + text(page, "cursor");
    }
    BOOST_TEST(seen.size() == 7u);
}

BOOST_FIXTURE_TEST_CASE(a_refused_push_changes_nothing, world) {
    json::object bad = message("m2", "b", 1);
    bad["version"] = -1;
    BOOST_TEST(push({conversation("good", 1, {message("m1", "a", 1)}), conversation("bad", 1, {bad})}, "s1").status == 422);
    BOOST_TEST(send("GET", "/conversations/good", as_peer("GET", "/conversations/good")).status == 404);
}

BOOST_FIXTURE_TEST_CASE(local_writes_count_on_and_deletions_stay, world) {
    push({conversation("main", 4, {message("m1", "a", 7)})}, "s1");
    std::string const target = "/conversations/main/messages";
    std::string const write = R"({"role":"user","content":"b","surface":"ios","id":"m2","title":"T"})";
    json::object const stored = body(send("POST", target, as_user("POST", target), write));
    BOOST_TEST(stored.at("version").as_int64() == 8);
    BOOST_TEST(send("POST", target, as_user("POST", target), write).status == 200);
    BOOST_TEST(text(get("/conversations/main"), "title") == "T");

    BOOST_TEST(body(send("DELETE", "/conversations/main", as_user("DELETE", "/conversations/main"))).at("version").as_int64() == 9);
    BOOST_TEST(send("GET", "/conversations/main", as_peer("GET", "/conversations/main")).status == 404);
    push({conversation("main", 8, {message("m3", "late", 2)})}, "s2");
    BOOST_TEST(send("GET", "/conversations/main", as_peer("GET", "/conversations/main")).status == 404);
    BOOST_TEST(send("POST", target, as_user("POST", target), R"({"role":"user","content":"back","surface":"web"})").status == 201);
    BOOST_TEST(get("/conversations/main").at("messages").as_array().size() == 4u);
}

BOOST_FIXTURE_TEST_CASE(an_assertion_serves_once, world) {
    std::string const credential = as_peer("GET", "/conversations");
    BOOST_TEST(send("GET", "/conversations", credential).status == 200);
    BOOST_TEST(send("GET", "/conversations", credential).status == 401);
}

BOOST_FIXTURE_TEST_CASE(unpairing_ends_old_tokens_and_revocation_ends_all, world) {
    BOOST_TEST(text(body(register_peer()), "peer_id") == peer_id);
    BOOST_TEST(register_peer(some_key(2)).status == 409);
    std::string const target = "/peers/" + peer_id;
    BOOST_TEST(text(body(send("DELETE", target, as_peer("DELETE", target))), "status") == "unpaired");
    BOOST_TEST(register_peer().status == 401);
    now = now + std::chrono::seconds{1};
    std::string const again = text(body(register_peer(some_key(2))), "peer_id");
    BOOST_TEST(again != peer_id);
    BOOST_TEST(send("DELETE", "/peers/" + again, "Bearer toke").status == 403);
    BOOST_TEST(text(body(send("DELETE", "/peers/" + again, "Bearer token")), "status") == "revoked");
    now = now + std::chrono::seconds{1};
    BOOST_TEST(register_peer().status == 403);
}

BOOST_AUTO_TEST_CASE(every_fault_has_an_id_of_its_own_and_can_be_made) {
    std::set<std::string_view> ids;
    faulty::settings const s{.users = {{"ada", secret}}, .key = some_key(0)};
    for (auto const& f : faulty::all_faults()) {
        BOOST_TEST(ids.insert(f.id).second, f.id);
        if (f.needs == faulty::setting::unreachable) continue;
        BOOST_TEST(!f.killed_by.empty(), f.id);
        BOOST_TEST(f.make(s) != nullptr, f.id);
    }
}

BOOST_AUTO_TEST_SUITE_END()
