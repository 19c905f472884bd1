#include "world.hpp"

#include <functional>
#include <utility>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(what_happens_before_the_commit)

namespace {

/// Lets something happen once, after a request was authenticated and before it writes.
class eventful_store final : public store_base {
public:
    explicit eventful_store(store_base& inner) : inner_{inner} {}
    std::function<void()> before_next_write;
    [[nodiscard]] std::string epoch() const override { return inner_.epoch(); }

protected:
    result<> run_read(std::function<result<>(store_reader&)> const& f) override { return inner_.read(f); }
    result<> run_write(std::function<result<>(store_writer&)> const& f) override {
        if (auto const happens = std::exchange(before_next_write, nullptr)) happens();
        return inner_.write(f);
    }

private:
    store_base& inner_;
};

struct eventful_world : world {
    eventful_store eventful{memory};
    environment<eventful_store, testing::counting_entropy, testing::map_secret_book, memory_replay_guard> there{self, server_key(), config, eventful, entropy, secrets, replays};

    answer arrive(http_request request) {
        request.headers.add("Host", "hosted.example");
        request.headers.add("Content-Type", "application/json");
        return {handle(there, request, clock.now())};
    }
    answer arrive(std::string const& method, std::string const& target, std::string authorization, std::string body = "") {
        http_request r{.method = method, .target = target, .headers = {}, .body = std::move(body), .remote = ""};
        if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
        return arrive(std::move(r));
    }
};

constexpr char const* a_write = R"({"role":"user","content":"x","surface":"web","id":"m9"})";

}  // namespace

// BSP-REG-043: a peer that is removed between the verification of its request and the commit changes nothing.
BOOST_FIXTURE_TEST_CASE(a_peer_is_removed, eventful_world) {
    auto const peer = pair();
    std::string const target = "/conversations/main/messages";
    eventful.before_next_write = [&] { BOOST_TEST(user_sends("DELETE", "/peers/" + peer).raw.status == 200); };
    BOOST_TEST(arrive("POST", target, as_peer("POST", target, peer), a_write).raw.status == 404);
    BOOST_TEST(read().raw.status == 404);

    auto const other = pair("bob");
    json::object push = payload({conversation({message("m1", 1)})});
    push["signature"] = sign_object(push, phone_key()).value();
    eventful.before_next_write = [&] { BOOST_TEST(send("DELETE", "/peers/" + other, as_admin()).raw.status == 200); };
    BOOST_TEST(arrive("POST", "/sync/" + other, "", json::serialize(push)).raw.status >= 403);
    BOOST_TEST(read("main", "bob").raw.status == 404);
}

// BSP-AUT-044: of two requests with one assertion that were both verified, one changes something.
BOOST_FIXTURE_TEST_CASE(an_assertion_is_used, eventful_world) {
    std::string const target = "/conversations/main/messages", once = as_user("POST", target, "ada");
    eventful.before_next_write = [&] { BOOST_TEST(send("POST", target, once, R"({"role":"user","content":"second","surface":"web"})").verdict() == "401 stale-request"); };
    BOOST_TEST(arrive("POST", target, once, a_write).raw.status == 201);
    BOOST_TEST(read().body().at("messages").as_array().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
