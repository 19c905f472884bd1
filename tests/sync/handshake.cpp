#include <bsp/sync/handshake.hpp>

#include "site.hpp"

using namespace bsp;
using namespace bsp::test;
using sync::handshake;
using sync::handshake_mode;

namespace {

/// A person between two backends, on a network that a test may spoil.
struct pairing {
    site local{"local", "local", 0};
    site hosted{"hosted", "hosted", 1};
    sync::handshake_wish wish{.local_url = "https://local.example", .hosted_url = "https://hosted.example", .user_id = std::string{user}, .secret = std::string{secret}};
    std::chrono::nanoseconds steady{1s};
    std::vector<std::string> sent;  ///< "POST https://hosted.example/register-peer"
    testing::counting_entropy entropy;

    /// What comes in the place of the server's answer: another one, or none.
    struct fate {
        std::optional<http_response> answer;
    };
    std::function<std::optional<fate>(sync::outgoing const&)> spoil;

    handshake run() {
        handshake h{wish, [this](std::span<std::uint8_t> out) { entropy.fill(out); }};
        while (!h.is_over()) {
            while (auto out = h.poll_request(at(steady))) deliver(h, *out);
            if (h.is_over()) break;
            auto const wake = h.poll_timeout();
            BOOST_REQUIRE(wake);
            BOOST_REQUIRE((*wake > steady));  // or it would spin
            BOOST_REQUIRE((*wake < steady + 10min));
            steady = *wake;
        }
        BOOST_TEST(!h.poll_request(at(steady)).has_value());
        return h;
    }

    void deliver(handshake& h, sync::outgoing const& out) {
        sent.push_back(out.request.method + ' ' + out.origin + out.request.target);
        steady += 1ms;
        auto const spoilt = spoil ? spoil(out) : std::nullopt;
        if (spoilt && !spoilt->answer) return h.handle_silence(out.id, "it is dark", at(steady));
        site& to = out.origin == "https://hosted.example" ? hosted : local;
        h.handle_response(out.id, spoilt ? *spoilt->answer : to.serve(out.request, at(steady).wall), at(steady));
    }

    static std::optional<peer_record> registered(site& where, site const& who) {
        return where.memory->read([&](store_reader& r) { return r.registration(user, who.self.backend_id); }).value();
    }
    [[nodiscard]] auto count(std::string const& line) const { return std::ranges::count(sent, line); }
};

using instead = std::optional<pairing::fate>;
instead const as_it_is;
instead const nothing_comes{pairing::fate{}};
instead const unavailable{pairing::fate{http_response{.status = 503, .headers = {}, .body = ""}}};

bool is_to(sync::outgoing const& out, std::string_view origin, std::string_view target) { return out.origin == origin && out.request.target == target; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(handshakes, pairing)

BOOST_AUTO_TEST_CASE(both_are_registered_and_local_learns_where_to_send) {
    auto const h = run();
    auto const& done = h.result();
    BOOST_TEST((done.mode == handshake_mode::hybrid), done.failure);
    auto const of_local = registered(hosted, local), of_hosted = registered(local, hosted);
    BOOST_REQUIRE((of_local && of_hosted));
    BOOST_TEST(done.peer_id_at_hosted == of_local->peer_id);
    BOOST_TEST(done.peer_id_at_local == of_hosted->peer_id);
    BOOST_REQUIRE(of_hosted->endpoints.has_value());
    BOOST_TEST(of_hosted->endpoints->peer_id == of_local->peer_id);
    BOOST_TEST(of_hosted->endpoints->sync_endpoint == "https://hosted.example/sync/" + of_local->peer_id);
    BOOST_TEST(done.sync_endpoint == of_hosted->endpoints->sync_endpoint);
    BOOST_TEST((of_local->sbt_expires_at == *done.expires_at));
    BOOST_TEST(of_local->sbt.find(to_hex(hosted.key.public_key().sha256())) != std::string::npos);  // the token pins the keys that were seen
    BOOST_TEST(sent.size() == 4u);
    BOOST_TEST(sent[2] == "POST https://hosted.example/register-peer");  // the order of BSP-REG-063
}

BOOST_AUTO_TEST_CASE(again_gives_the_same_ids_and_a_later_token) {
    auto const first = run();
    steady += 1h;
    auto const second = run();
    BOOST_TEST((second.result().mode == handshake_mode::hybrid));
    BOOST_TEST(second.result().peer_id_at_hosted == first.result().peer_id_at_hosted);
    BOOST_TEST(second.result().peer_id_at_local == first.result().peer_id_at_local);
    BOOST_TEST((registered(local, hosted)->sbt_expires_at == *second.result().expires_at));
}

BOOST_AUTO_TEST_CASE(goes_on_with_whom_it_can_reach) {
    for (auto const& [dark, mode] : {std::pair{"https://hosted.example", handshake_mode::local_only}, {"https://local.example", handshake_mode::hosted_only}}) {
        spoil = [dark = std::string{dark}](sync::outgoing const& out) { return out.origin == dark ? nothing_comes : as_it_is; };
        sent.clear();
        auto const h = run();
        BOOST_TEST((h.result().mode == mode));
        BOOST_TEST(count("GET " + std::string{dark} + "/identity") == static_cast<long>(handshake::identity_attempts_max));
        BOOST_TEST((mode == handshake_mode::local_only ? h.hosted() : h.local()).obstacle.find("it is dark") != std::string::npos);
        BOOST_TEST(std::ranges::none_of(sent, [](auto const& line) { return line.starts_with("POST"); }));
    }
    spoil = [](sync::outgoing const&) { return nothing_comes; };
    BOOST_TEST((run().result().mode == handshake_mode::neither));
}

BOOST_AUTO_TEST_CASE(answers_that_never_come_are_given_up) {
    bool heard = false;
    handshake h{wish, [this](std::span<std::uint8_t> out) { entropy.fill(out); }};
    for (int rounds = 0; !h.is_over() && rounds < 100; ++rounds) {
        while (auto out = h.poll_request(at(steady))) heard = true;  // and nobody says anything, not even that nothing came
        if (auto const wake = h.poll_timeout()) steady = std::max(steady + 1ms, *wake);
    }
    BOOST_TEST(heard);
    BOOST_TEST(h.is_over());
    BOOST_TEST((h.result().mode == handshake_mode::neither));
    BOOST_TEST((steady < 1min));
}

BOOST_AUTO_TEST_CASE(losses_on_the_way_are_repeated) {
    std::map<std::string, int> tries;
    spoil = [&](sync::outgoing const& out) -> instead {
        int const n = ++tries[out.request.method + out.origin];
        if (n == 1) return nothing_comes;
        if (n == 2 && out.request.method == "POST") {  // it arrives, and the answer does not
            static_cast<void>((out.origin == "https://hosted.example" ? hosted : local).serve(out.request, at(steady).wall));
            return nothing_comes;
        }
        return n == 3 && out.request.method == "POST" ? unavailable : as_it_is;
    };
    auto const h = run();
    BOOST_TEST((h.result().mode == handshake_mode::hybrid), h.result().failure);
    BOOST_TEST(registered(hosted, local)->peer_id == h.result().peer_id_at_hosted);
    BOOST_TEST(registered(local, hosted)->peer_id == h.result().peer_id_at_local);
}

BOOST_AUTO_TEST_CASE(a_pause_that_was_asked_for_is_kept_if_it_is_short) {
    std::string pause = "100";
    std::vector<std::chrono::nanoseconds> asked;
    spoil = [&](sync::outgoing const& out) -> instead {
        if (!is_to(out, "https://hosted.example", "/register-peer")) return as_it_is;
        asked.push_back(steady);
        if (asked.size() > 1) return as_it_is;
        return pairing::fate{http_response{.status = 429, .headers = {{"Retry-After", pause}}, .body = ""}};
    };
    BOOST_TEST((run().result().mode == handshake_mode::hybrid));
    BOOST_TEST(asked.size() == 2u);
    BOOST_TEST((asked[1] - asked[0] >= 100s));

    pause = "3600", asked.clear();
    auto const refused = run();
    BOOST_TEST(asked.size() == 1u);
    BOOST_TEST(refused.result().failure == "hosted: 429, for the next 3600 seconds");
}

// BSP-REG-064
BOOST_AUTO_TEST_CASE(a_registration_that_stays_half_is_undone) {
    local.secrets = testing::map_secret_book{{{std::string{user}, "another secret, thirty-two bytes long."}}};
    auto const h = run();
    BOOST_TEST((h.result().mode == handshake_mode::hosted_only));
    BOOST_TEST(h.result().failure_code == "invalid-sbt");
    BOOST_TEST(h.result().failure.starts_with("local: 401 invalid-sbt: "), h.result().failure);
    BOOST_TEST(h.result().peer_id_at_hosted.empty());
    BOOST_TEST(!h.result().is_half);
    BOOST_TEST(!registered(hosted, local).has_value());
    BOOST_TEST(sent.back().starts_with("DELETE https://hosted.example/peers/peer_"));

    local.secrets = hosted.secrets;  // and can be begun again
    BOOST_TEST((run().result().mode == handshake_mode::hybrid));
}

BOOST_AUTO_TEST_CASE(a_local_that_is_gone_in_the_middle_is_waited_for_and_then_undone) {
    spoil = [](sync::outgoing const& out) { return is_to(out, "https://local.example", "/register-peer") ? unavailable : as_it_is; };
    auto const h = run();
    BOOST_TEST(count("POST https://local.example/register-peer") == static_cast<long>(handshake::registration_attempts_max));
    BOOST_TEST((h.result().mode == handshake_mode::hosted_only));
    BOOST_TEST(!registered(hosted, local).has_value());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_undone_is_said) {
    spoil = [](sync::outgoing const& out) {
        bool const fails = is_to(out, "https://local.example", "/register-peer") || out.request.method == "DELETE";
        return fails ? unavailable : as_it_is;
    };
    auto const h = run();
    BOOST_TEST(h.result().is_half);
    BOOST_TEST(h.result().peer_id_at_hosted == registered(hosted, local)->peer_id);
}

BOOST_AUTO_TEST_CASE(a_wrong_secret_pairs_nothing) {
    wish.secret = "not the secret of ada, but as long";
    auto const h = run();
    BOOST_TEST((h.result().mode == handshake_mode::local_only));
    BOOST_TEST(h.result().failure_code == "invalid-sbt");
    BOOST_TEST(!registered(hosted, local).has_value());
    BOOST_TEST(!registered(local, hosted).has_value());
    BOOST_TEST(count("POST https://hosted.example/register-peer") == 1);
}

// BSP-REG-022
BOOST_AUTO_TEST_CASE(who_does_not_prove_its_key_is_not_paired) {
    for (char const* impostor : {"https://hosted.example", "https://local.example"})
        for (bool silent : {true, false}) {
            spoil = [&](sync::outgoing const& out) -> instead {
                if (out.origin != impostor || out.request.method != "POST") return as_it_is;
                auto answer = (out.origin == "https://hosted.example" ? hosted : local).serve(out.request, at(steady).wall);
                auto body = json::parse(answer.body).value().get_object();
                if (silent) body.erase("challenge_signature");
                else body["challenge_signature"] = sign_object(wire::challenge_object("another", "one", "peer"), key_number(2)).value();
                answer.body = json::serialize(body);
                return pairing::fate{answer};
            };
            auto const h = run();
            BOOST_TEST((h.result().mode != handshake_mode::hybrid));
            BOOST_TEST(h.result().failure.find("impostor") != std::string::npos, h.result().failure);
            BOOST_TEST(!(registered(local, hosted).has_value() && registered(hosted, local).has_value()));
            steady += 1h;
        }
}

BOOST_AUTO_TEST_CASE(a_key_that_the_person_does_not_expect_takes_no_part) {
    wish.hosted_key_sha256 = std::string(64, '0');
    auto const h = run();
    BOOST_TEST((h.result().mode == handshake_mode::local_only));
    BOOST_TEST(h.hosted().obstacle.find("not the expected one") != std::string::npos);
    BOOST_TEST(sent.size() == 2u);
    wish.hosted_key_sha256 = to_hex(hosted.key.public_key().sha256());
    BOOST_TEST((run().result().mode == handshake_mode::hybrid));
}

BOOST_AUTO_TEST_CASE(what_is_no_backend_of_that_type_takes_no_part) {
    std::swap(wish.local_url, wish.hosted_url);
    BOOST_TEST((run().result().mode == handshake_mode::neither));
    std::swap(wish.local_url, wish.hosted_url);
    for (char const* page : {"<html>login</html>", "[]", "{}", R"({"version": "2.0"})", "\xFF"}) {
        spoil = [&](sync::outgoing const& out) { return is_to(out, "https://hosted.example", "/identity") ? instead{pairing::fate{http_response{.status = 200, .headers = {}, .body = page}}} : as_it_is; };
        auto const h = run();
        BOOST_TEST((h.result().mode == handshake_mode::local_only), page);
        BOOST_TEST(!h.hosted().obstacle.empty());
    }
}

BOOST_AUTO_TEST_CASE(late_answers_change_nothing) {
    handshake h{wish, [this](std::span<std::uint8_t> out) { entropy.fill(out); }};
    auto const asked = h.poll_request(at(steady));
    BOOST_REQUIRE(asked);
    steady += 6s;
    auto const other = h.poll_request(at(steady));  // the first is overdue by now
    BOOST_REQUIRE(other);
    BOOST_TEST(other->id != asked->id);
    h.handle_response(asked->id, local.serve(asked->request, at(steady).wall), at(steady));
    BOOST_TEST(!h.local().identity.has_value());
    h.handle_response(999, http_response{}, at(steady));
    h.handle_silence(999, "", at(steady));
}

BOOST_AUTO_TEST_SUITE_END()
