#include "../model/merge.hpp"
#include "../property.hpp"
#include "../registry.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <tuple>

// Chapter 7 as laws: whatever is pushed, in whatever order, grouping and number, the state is the join.
// Alphabets are small on purpose: merges break where things collide.

namespace bsp::conformance {
namespace {

/// A message write, as small numbers that shrink towards the plainest one.
using draft = std::tuple<int /*id*/, int /*version*/, int /*instant*/, int /*flags*/, int /*content*/>;

/// 0 … n-1, evenly: on its own inRange() scales with the size of the case, and gave 0 throughout in small ones.
rc::Gen<int> below(int n) { return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, n)); }

rc::Gen<draft> drafts() {
    return rc::gen::tuple(below(3), below(3), below(7),
                          rc::gen::weightedElement<int>({{8, 0}, {2, 1}, {2, 2}}), below(3));
}

json::object message_of(scenario& s, draft const& d) {
    static constexpr char const* ids[] = {"m1", "M1", "m10"};
    static constexpr std::int64_t versions[] = {1, 2, 10};
    // Four instants, three of them spelled twice; as text they sort otherwise.
    static constexpr char const* instants[] = {"2025-03-04T05:06:07Z",    "2025-03-04T05:06:07.5Z",        "2025-03-04T06:06:07+01:00", "2025-03-04T05:06:08Z",
                                               "2025-03-04T05:06:07.500", "2025-03-04T05:06:07.500000001Z", "2025-03-03T23:06:08-06:00"};
    static constexpr char const* contents[] = {"a", "b", "\xC3\xA9\xF0\x9F\x98\x80"};
    auto const& [id, version, instant, flags, content] = d;
    bool const is_deleted = flags == 1;
    return s.message(ids[id], is_deleted ? "" : contents[content], versions[version], [&, instant = instant, flags = flags](json::object& m) {
        m["timestamp"] = instants[instant];
        if (is_deleted) m["deleted"] = true;
        if (flags == 2) m["redacted"] = true;
    });
}

/// What GET /conversations/{id} shows of live messages.
std::vector<json::object> served(scenario& s, peer const& a, std::string const& conversation) {
    auto const x = a.read(conversation);
    s.accepted(x, "reading the conversation after pushes that were acknowledged");
    auto out = objects_at(x.body(), "/messages");
    std::erase_if(out, [](json::object const& m) {
        auto const* deleted = m.if_contains("deleted");
        return deleted && deleted->is_bool() && deleted->as_bool();
    });
    return out;
}

void expect_state(scenario& s, peer const& a, std::string const& conversation, std::vector<json::object> const& writes, std::string const& story) {
    model::messages expected;
    for (auto const& m : writes) expected.join(m);
    json::array wanted, got;
    for (auto const& m : expected.live()) wanted.push_back(m);
    for (auto const& m : served(s, a, conversation)) got.push_back(m);
    s.expect(same(wanted, got), story + ": " + show(wanted, 600), show(got, 600));
}

void order_never_matters(scenario& in) {
    property(in, "the state is the join of what was acknowledged, in any order", {.cases = 28, .size = 12}, rc::gen::container<std::vector<draft>>(drafts()), [](scenario& s, auto const& drawn) {
        auto const a = s.register_peer(), b = s.register_peer();
        auto const c = s.fresh("c");
        std::vector<json::object> writes;
        std::int64_t version = 5;
        for (auto const& d : drawn) {
            if (writes.size() == 8) break;
            writes.push_back(message_of(s, d));
            auto const& sender = writes.size() % 2 == 0 ? b : a;
            version = version == 5 ? 3 : 5;  // conversation versions go up and down: they must not matter
            s.control(sender.push({s.conversation(c, version, {writes.back()})}), "one of the writes");
        }
        if (writes.empty()) return;
        expect_state(s, a, c, writes, "the join of " + std::to_string(writes.size()) + " pushed messages");
    });
}

void grouping_never_matters(scenario& in) {
    auto const messages = rc::gen::container<std::vector<std::tuple<draft, int, int>>>(
        rc::gen::tuple(drafts(), below(2) /*conversation*/, below(3) /*0: begins a new push*/));
    property(in, "grouping, repetition and interleaving of pushes never matter", {.cases = 18, .size = 12}, rc::gen::pair(messages, below(3)), [](scenario& s, auto const& input) {
        auto const& [drawn, repeated] = input;
        auto const a = s.register_peer();
        std::string const conversations[] = {s.fresh("c"), s.fresh("d")};
        std::vector<json::object> writes[2];
        std::vector<std::vector<json::object>> payloads;
        std::size_t count = 0;
        for (auto const& [d, where, beginning] : drawn) {
            if (++count > 10) break;
            auto const message = message_of(s, d);
            writes[where].push_back(message);
            auto const entry = s.conversation(conversations[where], 1, {message});
            if (beginning == 0 || payloads.empty()) payloads.emplace_back();
            payloads.back().push_back(entry);  // the same conversation may well occur twice in one payload
        }
        for (auto const& payload : payloads) s.control(a.push(payload), "one of the pushes");
        if (repeated > 0 && !payloads.empty()) s.control(a.push(payloads[static_cast<std::size_t>(repeated) % payloads.size()]), "a push once more, under another sync_id");
        for (int i : {0, 1})
            if (!writes[i].empty()) expect_state(s, a, conversations[i], writes[i], "the join of what was pushed into one of two conversations");
    });
}

void scalars_converge(scenario& in) {
    using write = std::tuple<int /*version*/, int /*fraction*/, int /*title*/>;
    // last_modified grows with version here: the reverse has a check of its own (mrg/scalar-stamp). Two versions among
    // three writes or more: some of them always tie.
    auto const drafts = rc::gen::mapcat(below(4), [](int more) { return rc::gen::container<std::vector<write>>(static_cast<std::size_t>(3 + more), rc::gen::tuple(below(2), below(2), below(3))); });
    property(in, "a conversation's own members do not depend on the order of arrival", {.cases = 16, .size = 10}, drafts, [](scenario& s, auto const& drawn) {
        auto const a = s.register_peer(), b = s.register_peer_of(s.other_account());
        auto const c = s.fresh("c");
        std::vector<json::object> writes;
        for (auto const& [version, fraction, title] : drawn) {
            writes.push_back(s.conversation(c, version, {}, [&, version = version, fraction = fraction, title = title](json::object& o) {
                o["last_modified"] = "2025-03-04T05:06:0" + std::to_string(version) + (fraction == 0 ? "Z" : ".5Z");
                if (title > 0) o["title"] = "title " + std::to_string(title);
            }));
        }
        for (auto const& w : writes) s.control(a.push({w}), "one of the writes, for the first user");
        std::reverse(writes.begin(), writes.end());
        for (auto const& w : writes) s.control(b.push({w}), "one of the writes, for the second user, in reverse");
        auto const forward = a.read(c), backward = b.read(c);
        s.control(forward, "reading the first user's");
        s.control(backward, "reading the second user's");
        s.expect(same(forward.body(), backward.body()), "the same conversation in both orders: " + show(forward.body()), show(backward.body()));
    });
}

check const checks[] = {
    {.id = "mrg/any-order",
     .title = "whatever the order of pushes, the state is the join of what was acknowledged",
     .clauses = {"BSP-MRG-021", "BSP-MRG-010", "BSP-MRG-014"},
     .impact = "backends that heard the same news in different order disagree for ever, or lose a message",
     .likely_cause = "a comparison that is not a total order, or that looks at arrival",
     .run = order_never_matters,
     .needs = need::generator},
    {.id = "mrg/any-grouping",
     .title = "grouping, repetition and interleaving of pushes never matter",
     .clauses = {"BSP-MRG-022", "BSP-MRG-020", "BSP-SYN-052"},
     .impact = "what a device sees depends on how its pushes were batched",
     .likely_cause = "entries of one payload are applied to the state before the payload instead of to each other's result",
     .run = grouping_never_matters,
     .needs = need::generator},
    {.id = "mrg/scalars-any-order",
     .title = "a conversation's own members do not depend on the order of arrival",
     .clauses = {"BSP-MRG-021", "BSP-MRG-030"},
     .impact = "two devices show different titles for ever",
     .likely_cause = "the copy that is held, or that arrives last, wins a tie",
     .run = scalars_converge,
     .needs = need::generator | need::second_user},
};

}  // namespace

group merge_properties_group() { return {"merge_properties", profile::syn, checks}; }

}  // namespace bsp::conformance
