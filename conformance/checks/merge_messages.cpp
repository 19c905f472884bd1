#include "../registry.hpp"
#include "../scenario.hpp"
#include "odd_names.hpp"

#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>

// Chapter 7, messages: which of two versions stands, and that the order of arrival never matters.

namespace bsp::conformance {
namespace {

constexpr std::int64_t greatest_version = 9'007'199'254'740'991;

edit at_time(std::string timestamp) {
    return [t = std::move(timestamp)](json::object& m) { m["timestamp"] = t; };
}

/// What the conversation holds of message `id`, or null. INCONCLUSIVE when it cannot be read.
json::object held(scenario& s, peer const& a, std::string const& conversation, std::string_view id) {
    auto const x = a.read(conversation);
    s.control(x, "reading the conversation");
    auto const* found = find_by_id(x.body(), "/messages", id);
    return found ? *found : json::object{};
}

std::string content_of(json::object const& message) {
    auto const* content = message.if_contains("content");
    return content && content->is_string() ? std::string{content->as_string()} : "<absent>";
}

/// Pushes `less` and `greater`, two versions of one message, in both orders into two fresh conversations,
/// and expects the greater to stand in both.
void greater_stands(scenario& s, peer const& a, std::string const& rule, json::object const& less, json::object const& greater) {
    for (bool const greater_first : {false, true}) {
        auto const c = s.fresh("c");
        auto const& first = greater_first ? greater : less;
        auto const& second = greater_first ? less : greater;
        s.control(a.push({s.conversation(c, 1, {first})}), "the first version");
        s.control(a.push({s.conversation(c, 1, {second})}), "the second version");
        auto const now = held(s, a, c, std::string{greater.at("id").as_string()});
        s.expect(content_of(now) == content_of(greater), rule + (greater_first ? " (greater one first)" : " (greater one second)") + ": " + content_of(greater),
                 content_of(now));
    }
}

std::string digest_of(json::object const& message) {
    auto const canonical = bsp::json::canonicalize(message);
    auto const digest = sha256(canonical.value());
    return {digest.begin(), digest.end()};
}

/// `left` and `right`, the one with the lesser digest first: what a tie comes down to.
std::pair<json::object, json::object> by_digest(json::object left, json::object right) {
    auto const octets = [](json::object const& m) {
        auto const text = digest_of(m);
        return std::vector<unsigned char>{text.begin(), text.end()};
    };
    return octets(left) < octets(right) ? std::pair{left, right} : std::pair{right, left};
}

// ---- union -----------------------------------------------------------------------------------------------

void messages_add_up(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "one"), s.message("m2", "two")})}), "two messages");
    s.control(a.push({s.conversation(c, 2, {s.message("m3", "three", 2)})}), "a third one, alone, under a newer version");
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    auto ids = ids_at(now.body(), "/messages");
    std::sort(ids.begin(), ids.end());
    s.expect(ids == std::vector<std::string>{"m1", "m2", "m3"}, "m1, m2 and m3", show(ids));
    for (auto const& [id, content] : {std::pair{"m1", "one"}, {"m2", "two"}, {"m3", "three"}})
        s.expect(content_of(held(s, a, c, id)) == content, std::string{id} + " holds \"" + content + "\"", content_of(held(s, a, c, id)));
}

void stale_conversation_brings_new_messages(scenario& s) {
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 5, {s.message("m1", "one", 5)})}), "version 5");
    auto const late = b.push({s.conversation(c, 3, {s.message("m2", "two", 3)})});
    s.accepted(late, "a push of the same conversation with version 3 and a new message");
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    auto ids = ids_at(now.body(), "/messages");
    std::sort(ids.begin(), ids.end());
    s.expect(ids == std::vector<std::string>{"m1", "m2"}, "m1 and m2", show(ids));
}

void stale_conversation_updates_messages(scenario& s) {
    auto const a = s.register_peer();
    for (std::int64_t const conversation_version : {std::int64_t{3}, std::int64_t{5}}) {
        auto const c = s.fresh("c");
        s.control(a.push({s.conversation(c, 5, {s.message("m1", "old", 1)})}), "conversation version 5, message version 1");
        s.control(a.push({s.conversation(c, conversation_version, {s.message("m1", "new", 2)})}), "message version 2");
        s.expect(content_of(held(s, a, c, "m1")) == "new", "message version 2, although the conversation's version is not higher",
                 content_of(held(s, a, c, "m1")));
        auto const d = s.fresh("d");
        s.control(a.push({s.conversation(d, 1, {s.message("m1", "new", 2)})}), "conversation version 1, message version 2");
        s.control(a.push({s.conversation(d, 9, {s.message("m1", "old", 1)})}), "conversation version 9, message version 1");
        s.expect(content_of(held(s, a, d, "m1")) == "new", "message version 2, although the conversation that brought version 1 is newer",
                 content_of(held(s, a, d, "m1")));
    }
}

void empty_list_removes_nothing(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "one")})}), "a message");
    s.control(a.push({s.conversation(c, 2, {})}), "a newer version without messages");
    s.expect(content_of(held(s, a, c, "m1")) == "one", "m1 is still there", "m1 is gone");
}

void duplicates_in_one_payload(scenario& s) {
    auto const a = s.register_peer();
    auto const older = s.message("m1", "older", 1), newer = s.message("m1", "newer", 2);
    auto const other = s.message("m0", "other");
    for (bool const newer_first : {false, true}) {
        auto const c = s.fresh("c");
        s.accepted(a.push({s.conversation(c, 1, {newer_first ? newer : older, other, newer_first ? older : newer})}), "a push with the same id twice");
        auto const now = a.read(c);
        s.control(now, "reading the conversation");
        auto const ids = ids_at(now.body(), "/messages");
        s.expect(std::count(ids.begin(), ids.end(), "m1") == 1, "m1 once", show(ids));
        s.expect(content_of(held(s, a, c, "m1")) == "newer", newer_first ? "\"newer\" (given first)" : "\"newer\" (given last)",
                 content_of(held(s, a, c, "m1")));
    }
}

void entries_of_one_payload_join(scenario& s) {
    auto const a = s.register_peer();
    for (bool const newer_first : {false, true}) {
        auto const c = s.fresh("c");
        auto const one = s.conversation(c, 1, {s.message("m1", "one"), s.message("m9", "old", 1)}, [](json::object& o) { o["title"] = "older"; });
        auto const two = s.conversation(c, 2, {s.message("m2", "two"), s.message("m9", "new", 2)}, [](json::object& o) { o["title"] = "newer"; });
        s.control(newer_first ? a.push({two, one}) : a.push({one, two}), "two entries of one conversation");
        auto const now = a.read(c);
        s.control(now, "reading the conversation");
        auto ids = ids_at(now.body(), "/messages");
        std::sort(ids.begin(), ids.end());
        s.expect(ids == std::vector<std::string>{"m1", "m2", "m9"}, "the messages of both entries", show(ids));
        s.expect(content_of(held(s, a, c, "m9")) == "new", "the greater m9", content_of(held(s, a, c, "m9")));
        s.expect(now.text("/title") == "newer", "the title of the higher version", now.text("/title"));
    }
}

// ---- identity --------------------------------------------------------------------------------------------

void ids_are_exact(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    std::vector<std::string> ids{"M1", "m.1", "m-1", "m01", "m:1", "m@1", "m~1", "__proto__", "constructor", "toString", "null", "NULL"};
    for (auto const& id : look_alikes("m1", "7")) ids.push_back(id);
    std::vector<json::object> messages;
    for (auto const& id : ids) messages.push_back(s.message(id, "content of " + id));
    s.control(a.push({s.conversation(c, 1, messages)}), "messages with similar ids");
    for (auto const& id : ids)
        s.expect(content_of(held(s, a, c, id)) == "content of " + id, id + " is a message of its own", content_of(held(s, a, c, id)));
    std::string const number = std::to_string(1'000'000'000 + s.pick(1'000'000'000));
    std::vector<json::object> conversations;
    for (auto const& id : look_alikes(s.fresh("d"), number)) conversations.push_back(s.conversation(id, 1, {s.message("m1", "content of " + id)}));
    s.control(a.push(conversations), "conversations with similar ids");
    for (auto const& conversation : conversations) {
        auto const id = std::string{json::view(conversation.at("conversation_id").as_string())};
        s.accepted(a.read(id), "reading the conversation " + id);
        auto const got = content_of(held(s, a, id, "m1"));
        s.expect(got == "content of " + id, id + " is a conversation of its own", got);
    }
    auto lower = c, upper = c;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char ch) { return static_cast<char>(std::toupper(ch)); });
    if (upper == lower) s.inconclusive("the fresh name has no letter");
    s.control(a.push({s.conversation(upper, 1, {s.message("x", "other conversation")})}), "a conversation whose id differs in case");
    s.expect(held(s, a, lower, "x").empty(), lower + " does not hold what was pushed into " + upper, "it does");
    s.expect(held(s, a, upper, "m1").empty(), upper + " does not hold what was pushed into " + lower, "it does");
}

void ids_are_per_conversation(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("d");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "in c", 7)})}), "m1 in c");
    s.control(a.push({s.conversation(d, 1, {s.message("m1", "in d", 2)})}), "m1 in d, with a lower version");
    s.expect(content_of(held(s, a, c, "m1")) == "in c", "c holds its own m1", content_of(held(s, a, c, "m1")));
    s.expect(content_of(held(s, a, d, "m1")) == "in d", "d holds its own m1", content_of(held(s, a, d, "m1")));
}

// ---- the total order, line by line ------------------------------------------------------------------------

void version_comes_first(scenario& s) {
    auto const a = s.register_peer();
    greater_stands(s, a, "the higher version, although its timestamp is earlier", s.message("m1", "later", 1, at_time(s.in_seconds(-10))),
                   s.message("m1", "higher", 2, at_time(s.in_seconds(-86'400))));
}

void versions_are_integers(scenario& s) {
    auto const a = s.register_peer();
    auto const when = at_time(s.in_seconds(-60));
    for (auto const& [less, greater] : {std::pair<std::int64_t, std::int64_t>{9, 10}, {99, 100}, {0, 1}, {4'294'967'295, 4'294'967'296},
                                        {2'147'483'647, 2'147'483'648}, {16'777'216, 16'777'217}, {greatest_version - 1, greatest_version}}) {
        auto const winner = s.message("m1", "greater", greater, when);
        // Were the versions taken for equal, the digest would give the lesser one the place.
        auto loser = winner;
        while (digest_of(loser) <= digest_of(winner)) loser = s.message("m1", "less " + s.canary(4), less, when);
        greater_stands(s, a, "version " + std::to_string(greater) + " over " + std::to_string(less), loser, winner);
    }
}

void later_instant(scenario& s, std::initializer_list<std::pair<char const*, char const*>> pairs, std::int64_t version = 4) {
    auto const a = s.register_peer();
    if (std::none_of(pairs.begin(), pairs.end(), [&](auto const& p) { return s.keeps(p.first) && s.keeps(p.second); })) s.not_applicable("the target keeps nothing that is so old");
    for (auto const& [earlier, later] : pairs) {
        if (!s.keeps(earlier) || !s.keeps(later)) continue;
        auto const winner = s.message("m1", std::string{"later, "} + later, version, at_time(later));
        // Were the instants taken for equal, the digest would give the earlier one the place.
        auto loser = winner;
        while (digest_of(loser) <= digest_of(winner)) loser = s.message("m1", std::string{"earlier, "} + earlier + " " + s.canary(4), version, at_time(earlier));
        greater_stands(s, a, std::string{later} + " over " + earlier, loser, winner);
    }
}

void fractions_count(scenario& s) {
    later_instant(s, {{"2025-03-04T05:06:07Z", "2025-03-04T05:06:07.500Z"},
                      {"2025-03-04T05:06:07.9Z", "2025-03-04T05:06:08Z"},
                      {"2025-03-04T05:06:07.09Z", "2025-03-04T05:06:07.1Z"}});
}

void offsets_count(scenario& s) {
    later_instant(s, {{"2025-03-05T01:30:00+02:00", "2025-03-05T00:05:00Z"},
                      {"2025-03-05T00:05:00Z", "2025-03-04T20:00:00-05:00"},
                      {"2025-03-05T01:30:00+02:00", "2025-03-04T23:30:00.001Z"},
                      {"2025-03-04T12:00:00+05:45", "2025-03-04T06:15:01"}});
}

void nanoseconds_count(scenario& s) {
    later_instant(s, {{"2025-03-04T05:06:07.000000000Z", "2025-03-04T05:06:07.000000001Z"},
                      {"2025-03-04T05:06:07.0001Z", "2025-03-04T05:06:07.0005Z"},
                      {"2025-03-04T05:06:07.123456788Z", "2025-03-04T05:06:07.123456789Z"},
                      {"2025-03-04T05:06:07.1234Z", "2025-03-04T05:06:07.123400001+00:00"}});
}

void far_dates_compare(scenario& s) {
    later_instant(s, {{"1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"}, {"1969-12-31T23:59:59.1Z", "1969-12-31T23:59:59.2Z"}, {"0999-01-01T00:00:00Z", "1601-01-01T00:00:00Z"},
                      {"0099-12-31T23:59:59Z", "0100-01-01T00:00:00Z"}, {"0050-01-01T00:00:00Z", "1949-01-01T00:00:00Z"},
                      {"1901-12-13T20:45:51Z", "1901-12-13T20:45:52Z"}, {"1677-09-21T00:12:43Z", "1677-09-21T00:12:44Z"}, {"1582-10-04T00:00:00Z", "1582-10-15T00:00:00Z"}});
}

void leap_seconds_compare(scenario& s) {
    later_instant(s, {{"2016-12-31T23:59:59.9Z", "2016-12-31T23:59:60Z"}, {"2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5Z"}, {"2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.6Z"}});
}

void greatest_version_is_ordinary(scenario& s) {
    later_instant(s, {{"2025-03-04T05:06:07Z", "2025-03-04T05:06:08Z"}}, greatest_version);
}

void unredacted_stands(scenario& s) {
    auto const a = s.register_peer();
    auto const when = s.in_seconds(-60);
    // The redacted copy gets the greater digest, so that only the rule can decide.
    for (int attempt = 0; attempt < 64; ++attempt) {
        auto const plain = s.message("m1", "call 555-0100 " + std::to_string(attempt), 3, at_time(when));
        auto const redacted = s.message("m1", "call [REDACTED] " + std::to_string(attempt), 3, [&](json::object& m) {
            m["timestamp"] = when;
            m["redacted"] = true;
        });
        if (by_digest(plain, redacted).second != redacted) continue;
        greater_stands(s, a, "the unredacted copy", redacted, plain);
        return;
    }
    s.inconclusive("no pair of digests found");
}

void redaction_comes_after_the_timestamp(scenario& s) {
    auto const a = s.register_peer();
    auto const redacted = [&](std::string when, std::string content, std::int64_t version) {
        return s.message("m1", content, version, [when = std::move(when)](json::object& m) {
            m["timestamp"] = when;
            m["redacted"] = true;
        });
    };
    greater_stands(s, a, "a later redacted message over an earlier unredacted one", s.message("m1", "earlier", 3, at_time(s.in_seconds(-100))),
                   redacted(s.in_seconds(-50), "later, redacted", 3));
    greater_stands(s, a, "a redacted message of a higher version over an unredacted one", s.message("m1", "lower", 3, at_time(s.in_seconds(-50))),
                   redacted(s.in_seconds(-100), "higher, redacted", 4));
}

void false_flags_mean_nothing(scenario& s) {
    auto const a = s.register_peer();
    auto const when = s.in_seconds(-60);
    auto const flagged = [&](char const* flag, std::string const& content) {
        return s.message("m1", content, 3, [&, flag](json::object& m) {
            m["timestamp"] = when;
            m[flag] = false;
        });
    };
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {flagged("deleted", "deleted is false")}, [](json::object& o) { o["deleted"] = false; })}), "deleted: false");
    s.expect(content_of(held(s, a, c, "m1")) == "deleted is false", "a message with deleted:false is served like any other", content_of(held(s, a, c, "m1")));
    for (auto const* flag : {"redacted", "deleted"})
        for (int i = 0; i < 3; ++i) {
            // The flagged one has the greater digest the first time, and would lose if the flag counted.
            auto const plain = s.message("m1", "plain " + s.canary(4), 3, at_time(when));
            auto with_flag = flagged(flag, "flag false " + s.canary(4));
            while (i == 0 && digest_of(with_flag) <= digest_of(plain)) with_flag = flagged(flag, "flag false " + s.canary(4));
            auto const [less, greater] = by_digest(plain, with_flag);
            greater_stands(s, a, std::string{"with "} + flag + ":false on one side, the greater digest", less, greater);
        }
}

void digest_breaks_ties(scenario& s) {
    auto const a = s.register_peer();
    auto const when = s.in_seconds(-60);
    for (int i = 0; i < 4; ++i) {
        auto const [less, greater] = by_digest(s.message("m1", "left " + s.canary(6), 4, at_time(when)), s.message("m1", "right " + s.canary(6), 4, at_time(when)));
        greater_stands(s, a, "at equal version and timestamp, the greater digest", less, greater);
    }
    // Whatever else differs, the digest decides, and not that member.
    for (auto const* member : {"source_backend", "role", "surface", "content"}) {
        if (std::string_view{member} == "surface" && !s.takes_any_surface()) continue;
        auto const with = [&](char const* value) {
            return s.message("m1", "same " + s.canary(6), 4, [&](json::object& m) {
                m["timestamp"] = when;
                m[member] = std::string{value} + s.canary(4);
            });
        };
        // Once the greater member has the greater digest, and once it has not.
        for (auto const& [first, second] : {std::pair{"a", "z"}, {"z", "a"}}) {
            auto const less = with(first);
            auto greater = with(second);
            while (digest_of(greater) <= digest_of(less)) greater = with(second);
            greater_stands(s, a, std::string{"with another "} + member + ", the greater digest", less, greater);
        }
    }
    // Two spellings of one instant are a tie, too.
    for (auto const& [first, second] : {std::pair{"2025-03-04T05:06:07Z", "2025-03-04T06:06:07.000+01:00"}, {"2025-03-04T06:06:07+01:00", "2025-03-04T05:06:07Z"}, {"2025-03-04T05:06:07.5Z", "2025-03-04T05:06:07.50Z"}, {"2025-03-04T05:06:07.50Z", "2025-03-04T05:06:07.5Z"}}) {
        auto const less = s.message("m1", "first " + s.canary(6), 4, at_time(first));
        auto greater = s.message("m1", "second " + s.canary(6), 4, at_time(second));
        while (digest_of(greater) <= digest_of(less)) greater = s.message("m1", "second " + s.canary(6), 4, at_time(second));
        greater_stands(s, a, std::string{"at equal version and instant, spelled "} + first + " and " + second + ", the greater digest", less, greater);
    }
}

void digest_covers_unknown_members(scenario& s) {
    auto const a = s.register_peer();
    auto const when = s.in_seconds(-60);
    for (int i = 0; i < 4; ++i) {
        auto const with = [&](std::string mood) {
            return s.message("m1", "the same content", 4, [&, mood](json::object& m) {
                m["timestamp"] = when;
                m["x-mood"] = mood;
            });
        };
        auto const [less, greater] = by_digest(with("calm " + s.canary(6)), with("wild " + s.canary(6)));
        for (bool const greater_first : {false, true}) {
            auto const c = s.fresh("c");
            s.control(a.push({s.conversation(c, 1, {greater_first ? greater : less})}), "the first");
            s.control(a.push({s.conversation(c, 1, {greater_first ? less : greater})}), "the second");
            auto const now = held(s, a, c, "m1");
            s.expect_same("the unknown member of the message with the greater digest", greater.at("x-mood"), now.if_contains("x-mood"));
        }
    }
}

check const checks[] = {
    {.id = "mrg/union",
     .title = "a push adds its messages to those that are held",
     .clauses = {"BSP-MRG-010", "BSP-MRG-011"},
     .impact = "every sync from another device erases what this one wrote",
     .likely_cause = "the pushed conversation replaces the stored one as a whole",
     .run = messages_add_up},
    {.id = "mrg/lower-conversation-version",
     .title = "a stale conversation version does not hide new messages",
     .clauses = {"BSP-MRG-012"},
     .impact = "a message that the server acknowledged is lost",
     .likely_cause = "a conversation with a lower version is skipped before its messages are looked at",
     .run = stale_conversation_brings_new_messages},
    {.id = "mrg/message-versions-alone",
     .title = "messages are compared by their own versions, whatever their conversations' versions",
     .clauses = {"BSP-MRG-013"},
     .impact = "an edit is lost, or an old text comes back",
     .likely_cause = "the conversation's version decides for all of its messages",
     .run = stale_conversation_updates_messages},
    {.id = "mrg/empty-messages",
     .title = "a push without messages removes none",
     .clauses = {"BSP-MRG-011", "BSP-SYN-129"},
     .impact = "one malicious or confused peer empties a conversation on every device",
     .likely_cause = "an empty list is taken for the new content of the conversation",
     .run = empty_list_removes_nothing},
    {.id = "mrg/duplicate-ids",
     .title = "among messages with the same id in one entry the greatest stands",
     .clauses = {"BSP-MRG-019", "BSP-CNV-013"},
     .impact = "two backends that receive the same payload may keep different texts",
     .likely_cause = "the first or the last of the duplicates is kept, whatever its version",
     .run = duplicates_in_one_payload},
    {.id = "mrg/entries-joined",
     .title = "entries of one payload with the same conversation_id are joined",
     .clauses = {"BSP-MRG-020"},
     .impact = "messages of one of the entries are lost although acknowledged",
     .likely_cause = "a map from conversation_id to entry, filled by assignment",
     .run = entries_of_one_payload_join},
    {.id = "mrg/ids-exact",
     .title = "identifiers are compared octet for octet",
     .clauses = {"BSP-MRG-001", "BSP-GEN-060"},
     .impact = "two messages whose ids differ in case or punctuation overwrite each other",
     .likely_cause = "a case-insensitive column or collation, or ids that are normalised",
     .run = ids_are_exact},
    {.id = "mrg/ids-per-conversation",
     .title = "messages with the same id in different conversations are unrelated",
     .clauses = {"BSP-MRG-002"},
     .impact = "a message appears in, or vanishes from, a conversation it does not belong to",
     .likely_cause = "messages stored under their id alone",
     .run = ids_are_per_conversation},
    {.id = "mrg/version-first",
     .title = "a higher version wins over a later timestamp",
     .clauses = {"BSP-MRG-015"},
     .impact = "a device with a fast clock overwrites everything that others write",
     .likely_cause = "last-write-wins by wall clock instead of by Lamport version",
     .run = version_comes_first},
    {.id = "mrg/version-as-integer",
     .title = "versions are compared as integers in their whole range",
     .clauses = {"BSP-MRG-014", "BSP-SYN-011"},
     .impact = "the tenth edit of a message loses to the ninth",
     .likely_cause = "versions compared as text, or kept in 32 bits or a float",
     .run = versions_are_integers},
    {.id = "mrg/fraction",
     .title = "timestamps with and without fraction compare as instants",
     .clauses = {"BSP-MRG-016"},
     .impact = "edits within one second are lost",
     .likely_cause = "timestamps compared as strings: \".500Z\" sorts before \"Z\"",
     .run = fractions_count},
    {.id = "mrg/offset",
     .title = "timestamps with different offsets compare as instants",
     .clauses = {"BSP-MRG-016"},
     .impact = "edits made in another time zone win or lose by hours",
     .likely_cause = "timestamps compared as strings, or the offset dropped",
     .run = offsets_count},
    {.id = "mrg/nanoseconds",
     .title = "timestamps compare to nine fractional digits",
     .clauses = {"BSP-MRG-016"},
     .impact = "two backends keep different versions of one message for ever",
     .likely_cause = "instants truncated to milli- or microseconds, or held in a double",
     .run = nanoseconds_count},
    {.id = "mrg/far-dates",
     .title = "timestamps before 1970 compare as instants",
     .clauses = {"BSP-MRG-016"},
     .impact = "imported old messages overwrite each other in the wrong order",
     .likely_cause = "an unsigned or clamped epoch; fractions added on the wrong side of zero",
     .run = far_dates_compare},
    {.id = "mrg/leap-second",
     .title = "a second 60 comes after the second 59 before it",
     .clauses = {"BSP-GEN-117"},
     .impact = "messages of a leap second stand in another order at every backend",
     .likely_cause = "60 is made 59 to please the library",
     .run = leap_seconds_compare,
     .strength = obligation::should},
    {.id = "mrg/greatest-version",
     .title = "at the greatest version the later timestamp still wins",
     .clauses = {"BSP-MRG-024"},
     .impact = "a peer that jumps to the greatest version freezes a message for ever",
     .likely_cause = "the greatest version is treated as unbeatable, or refused",
     .run = greatest_version_is_ordinary},
    {.id = "mrg/redacted",
     .title = "at equal version and timestamp an unredacted message wins over a redacted one",
     .clauses = {"BSP-MRG-017"},
     .impact = "the redacted copy that went to the hosted side comes back and overwrites the original",
     .likely_cause = "`redacted` plays no part in the comparison",
     .run = unredacted_stands},
    {.id = "mrg/redacted-after-timestamp",
     .title = "redaction decides only at equal version and equal timestamp",
     .clauses = {"BSP-MRG-017", "BSP-MRG-016"},
     .impact = "later edits of redacted messages are lost",
     .likely_cause = "redaction compared before version or timestamp",
     .run = redaction_comes_after_the_timestamp},
    {.id = "mrg/flags-false",
     .title = "deleted:false and redacted:false mean what their absence means",
     .clauses = {"BSP-MRG-018", "BSP-MRG-017"},
     .impact = "messages vanish, or two backends keep different texts",
     .likely_cause = "the presence of the member is tested instead of its value",
     .run = false_flags_mean_nothing},
    {.id = "mrg/tie",
     .title = "at equal version and instant the greater SHA-256 of C14N-1 wins",
     .clauses = {"BSP-MRG-018"},
     .impact = "two backends that received the same messages in different order disagree for ever",
     .likely_cause = "the first, or the last, to arrive is kept",
     .run = digest_breaks_ties},
    {.id = "mrg/tie-unknown-members",
     .title = "the digest of a tie covers members that the backend does not know",
     .clauses = {"BSP-MRG-018", "BSP-GEN-069"},
     .impact = "backends of different versions disagree for ever",
     .likely_cause = "the digest is computed over a model that dropped unknown members",
     .run = digest_covers_unknown_members},
};

}  // namespace

group merge_messages_group() { return {"merge_messages", profile::syn, checks}; }

}  // namespace bsp::conformance
