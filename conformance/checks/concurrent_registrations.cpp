#include "../registry.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"

#include <algorithm>
#include <set>

// Chapter 4, registrations that arrive at the same time.

namespace bsp::conformance {
namespace {

constexpr int rounds = 4;  // a race is seldom lost at the first attempt

/// The entries of `backend_id` in the first user's list of peers.
std::vector<json::object> listed(scenario& s, std::string const& backend_id) {
    auto const x = s.user().get("/peers");
    s.control(x, "the user's list of peers");
    auto all = objects_at(x.body(), "/peers");
    std::erase_if(all, [&](json::object const& entry) { return text_at(entry, "/backend_id") != backend_id; });
    return all;
}

void one_key_wins(scenario& s) {
    std::vector<key> const keys{s.key(), s.key(), s.key(), s.key()};
    for (int round = 0; round < rounds; ++round) {
        auto const r = s.settled();
        std::vector<std::function<exchange()>> calls;
        for (auto const& k : keys) {
            auto other = r;
            other.signing_key = k;
            calls.push_back([&s, request = s.registration_request(other)] { return s.send(request, "-", "POST /register-peer  with a key of its own"); });
        }
        auto const answers = s.together(calls);
        std::size_t accepted = 0, winner = 0;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            if (answers[i].ok()) ++accepted, winner = i;
            else s.expect(answers[i].client_error() || answers[i].status() == 503, "a registration that lost is refused", answers[i].describe());
        }
        s.expect(accepted == 1, "one of the keys is accepted", std::to_string(accepted) + " of " + std::to_string(answers.size()) + " were");
        s.accepted(answers[winner], "the registration with the key that won");
        auto const entries = listed(s, *r.backend_id);
        s.expect(entries.size() == 1, "one entry in the list of peers", std::to_string(entries.size()));
        s.expect(text_at(entries.front(), "/peer_id") == answers[winner].text("/peer_id"), "the entry of the registration that was accepted", show(entries.front()));
        auto settled = r;
        settled.signing_key = keys[winner];
        auto const p = s.peer_of(answers[winner], settled);
        s.accepted(p.push({}), "a push signed with the key that won");
    }
}

void one_registration_for_equals(scenario& s) {
    for (int round = 0; round < rounds; ++round) {
        auto const r = s.settled();
        std::set<std::string> ids;
        for (auto const& x : s.together(4, s.registration_request(r), "-", "POST /register-peer  the same as the others")) {
            s.accepted(x, "each of several equal registrations");
            ids.insert(x.text("/peer_id"));
        }
        s.expect(ids.size() == 1, "one peer_id for all of them", std::to_string(ids.size()));
        auto const entries = listed(s, *r.backend_id);
        s.expect(entries.size() == 1, "one entry in the list of peers", std::to_string(entries.size()));
    }
}

check const checks[] = {
    {.id = "reg/concurrent-keys",
     .title = "of concurrent registrations of one backend with different keys exactly one key is accepted",
     .clauses = {"BSP-REG-030", "BSP-REG-028"},
     .impact = "who is quick enough registers a key of their own beside the backend's",
     .likely_cause = "the lookup and the insertion are not one transaction, and nothing makes user and backend_id unique",
     .run = one_key_wins},
    {.id = "reg/concurrent-equals",
     .title = "concurrent equal registrations all get one peer_id",
     .clauses = {"BSP-REG-023", "BSP-REG-024"},
     .impact = "two browser tabs that pair at once leave a second registration, or an error",
     .likely_cause = "the lookup and the insertion are not one transaction, or a violated unique index becomes an error",
     .run = one_registration_for_equals},
};

}  // namespace

group concurrent_registrations_group() { return {"concurrent-registrations", profile::reg, checks}; }

}  // namespace bsp::conformance
