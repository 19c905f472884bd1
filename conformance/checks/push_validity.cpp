#include "../registry.hpp"
#include "ground.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/c14n.hpp>

// Section 6.1: what a push may carry and what makes the whole of it invalid.

namespace bsp::conformance {
namespace {

exactly_as const invalid{.statuses = {422, 400}, .codes = {"invalid-body", "malformed-body", "not-canonicalizable"}};
constexpr std::int64_t greatest_version = 9'007'199'254'740'991;
constexpr std::size_t mebibyte = 1'048'576;

template <class T>
edit setting(char const* member, T const& given) {
    return [member, value = json::value(given)](json::object& o) { o[member] = value; };
}

edit without(char const* member) {
    return [member](json::object& o) { o.erase(member); };
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    while (times-- > 0) out += text;
    return out;
}

/// One way to make a message, or a conversation, invalid.
struct defect {
    char const* what;
    edit message, conversation;
};

std::vector<defect> defects(scenario& s) {
    return {{"a message without content", without("content"), {}},
            {"a message of version -1", setting("version", -1), {}},
            {"a message whose id has a space", setting("id", "a b"), {}},
            {"a message 25 hours ahead", setting("timestamp", s.in_seconds(25 * 3600)), {}},
            {"a conversation without surfaces", {}, without("surfaces")},
            {"a conversation of version -1", {}, setting("version", -1)}};
}

void nothing_or_everything(scenario& s) {
    auto const a = s.register_peer();
    for (auto const& d : defects(s)) {
        auto const kept = s.fresh("kept"), good1 = s.fresh("good"), good2 = s.fresh("good");
        s.control(a.push({s.conversation(kept, 1, {s.message("m1", "one")})}), "a push before the invalid one");
        for (int bad_at = 0; bad_at < 3; ++bad_at) {  // first, in the middle, last
            // The bad conversation holds good messages around the bad one; a good conversation was held before.
            std::vector<json::object> all{s.conversation(good1, 1, {s.message("m1", "one")}), s.conversation(good2, 1, {s.message("m1", "one")}),
                                          s.conversation(kept, 2, {s.message("m2", "two", 2)})};
            all.insert(all.begin() + (bad_at == 0 ? 0 : bad_at == 1 ? 1 : 3),
                       s.conversation(s.fresh("bad"), 1, {s.message("g1", "x"), s.message("b1", "x", 1, d.message), s.message("g2", "x")}, d.conversation));
            auto const bad = std::string{json::view(all[bad_at == 0 ? 0 : bad_at == 1 ? 1 : 3].at("conversation_id").as_string())};
            auto const what = std::string{"a push with "} + d.what + (bad_at == 0 ? " at its beginning" : bad_at == 1 ? " in its middle" : " at its end");
            s.refused(a.push(std::move(all)), what, invalid);
            for (auto const& id : {good1, good2, bad}) {
                auto const x = a.read(id);
                s.expect(ids_at(x.body(), "/messages").empty(), "after " + what + " nothing of it is there", x.describe() + ": " + show(ids_at(x.body(), "/messages")));
            }
            s.expect(message_ids(s, a, kept) == std::vector<std::string>{"m1"}, "after " + what + " the older conversation holds m1 alone", show(message_ids(s, a, kept)));
        }
        s.control(a.push({s.conversation(good1, 1, {s.message("m1", "one")}), s.conversation(kept, 2, {s.message("m2", "two", 2)})}), "the same push without the invalid conversation");
        s.control(!message_ids(s, a, good1).empty(), "the good conversation can be read when it was pushed");
    }
}

void invalid_items_are_told(scenario& s) {
    ground const g{s};
    auto const replaced = [&](char const* where, json::value const& element) -> edit {
        return [where, element](json::object& p) {
            (std::string_view{where} == "conversations" ? p.at("conversations") : first_conversation(p).at("messages")).as_array().push_back(element);
        };
    };
    for (json::value const& element : {json::value(nullptr), json::value("x"), json::value(7), json::value(json::array{}), json::value(json::object{})}) {
        g.refuses("a push with " + show(element) + " among its conversations", {.before_signing = replaced("conversations", element)}, invalid);
        g.refuses("a push with " + show(element) + " among the messages of a conversation", {.before_signing = replaced("messages", element)}, invalid);
    }
    for (auto const& [member, value] : {std::pair<char const*, json::value>{"content", 7}, {"content", json::object{}}, {"role", json::array{"user"}}, {"version", "2"},
                                        {"version", true}, {"timestamp", 1'767'139'200}, {"timestamp", "yesterday"}, {"deleted", "true"}, {"id", 1}})
        g.refuses(std::string{"a message whose "} + member + " is " + show(value), g.next(setting(member, value)), invalid);
    for (auto const& [member, value] : {std::pair<char const*, json::value>{"version", "2"}, {"surfaces", "web"}, {"surfaces", json::array{1}}, {"messages", json::object{}},
                                        {"last_modified", 1'767'139'200}, {"title", 7}, {"deleted", 1}, {"source_backend", json::object{}}})
        g.refuses(std::string{"a conversation whose "} + member + " is " + show(value), g.next({}, setting(member, value)), invalid);
    g.was_spared("pushes with invalid items");
}

void required_members_are_required(scenario& s) {
    ground const g{s};
    for (char const* member : {"id", "role", "content", "timestamp", "surface", "source_backend", "version"})
        g.refuses(std::string{"a push of a message without "} + member, g.next(without(member)), invalid);
    for (char const* member : {"conversation_id", "version", "messages", "surfaces", "last_modified", "source_backend"})
        g.refuses(std::string{"a push of a conversation without "} + member, g.next({}, without(member)), invalid);
    for (char const* member : {"sync_id", "conversations"})
        g.refuses(std::string{"a push without "} + member, {.before_signing = without(member)}, invalid);
    g.refuses("a push without timestamp", {.before_signing = without("timestamp")}, {});
    g.was_spared("pushes with missing members");
}

/// Pushes the next message of `g` with `digits` as a version, in the body and, as `signed_as`, beneath the
/// signature. Numbers outside ±(2^53−1) have no C14N-1, so they are written into its text.
exchange push_number(ground const& g, bool into_message, std::string const& digits, std::string const& signed_as) {
    static constexpr std::int64_t mark = 4'242'424'242'421;
    auto const replace = [](std::string text, std::string const& by) {
        auto const sought = std::to_string(mark);
        if (auto const at = text.find(sought); at != std::string::npos) text.replace(at, sought.size(), by);
        return text;
    };
    return g.a.push({into_message ? g.next(setting("version", mark)) : g.next({}, setting("version", mark))},
                    {.after_signing =
                         [&](json::object& p) {
                             auto const text = replace(json::canonicalize(p, {"signature"}).value(), signed_as);
                             p["signature"] = to_base64(g.a.sign(text));
                         },
                     .bytes = [&](std::string text) { return replace(std::move(text), digits); }});
}

void versions_have_bounds(scenario& s) {
    ground const g{s};
    struct {
        char const* digits;
        char const* as_signed;
    } const numbers[] = {{"9007199254740992", "9007199254740992"},       {"9007199254740993", "9007199254740993"},
                         {"9223372036854775807", "9223372036854775807"}, {"9223372036854775808", "9223372036854775808"},
                         {"18446744073709551616", "18446744073709551616"}, {"-1", "-1"}, {"-9007199254740991", "-9007199254740991"},
                         {"-9007199254740992", "-9007199254740992"},     {"1e308", "1e+308"},   {"1.5", "1.5"}};
    for (auto const& n : numbers) {
        s.refused(push_number(g, true, n.digits, n.as_signed), std::string{"a message of version "} + n.digits, invalid);
        s.refused(push_number(g, false, n.digits, n.as_signed), std::string{"a conversation of version "} + n.digits, invalid);
    }
    g.was_spared("versions out of bounds");

    for (std::int64_t const version : {std::int64_t{0}, std::int64_t{1}, std::int64_t{16'777'217}, std::int64_t{2'147'483'648}, std::int64_t{4'294'967'297}, greatest_version - 1, greatest_version}) {
        auto const text = std::to_string(version), c = s.fresh("c");
        s.accepted(g.a.push({s.conversation(c, version, {s.message("m1", "one", version)})}), "a push with version " + text);
        auto const now = g.a.read(c);
        s.control(now, "reading the conversation");
        s.expect(integer_at(now.body(), "/version") == version, "the conversation has version " + text, show(now.at("/version") ? *now.at("/version") : json::value{}));
        s.expect(integer_at(now.body(), "/messages/0/version") == version, "the message has version " + text,
                 show(now.at("/messages/0/version") ? *now.at("/messages/0/version") : json::value{}));
    }
}

/// Pushes a message and its conversation with `value` for each of `members`, and reads them back.
void label_is_kept(scenario& s, peer const& a, std::string const& what, char const* member, std::string const& value) {
    auto const c = s.fresh("c");
    edit const conversation = std::string_view{member} == "surface" ? setting("surfaces", json::array{value}) : std::string_view{member} == "role" ? edit{} : setting(member, value);
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "one", 1, setting(member, value))}, conversation)}), "a push with " + what);
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    s.expect(now.text(std::string{"/messages/0/"} + member) == value, what + " is kept", now.text(std::string{"/messages/0/"} + member));
}

void words_are_open(scenario& s) {
    auto const a = s.register_peer();
    for (char const* member : {"role", "surface", "source_backend"})
        for (char const* word : {"narrator", "smart fridge", "USER", "x", "tool:search/v2", "\u7528\u6237", "r\u00f4le \U0001F600", "null", "0"})
            label_is_kept(s, a, std::string{member} + " \"" + word + "\"", member, word);
}

void labels_have_128_characters(scenario& s) {
    auto const a = s.register_peer();
    for (char const* member : {"role", "surface", "source_backend"})
        for (auto const& [what, value] : {std::pair<char const*, std::string>{"one character", "x"}, {"33 characters", repeated("a", 33)}, {"65 characters", repeated("b", 65)},
                                          {"128 ASCII characters", repeated("c", 128)}, {"128 characters of two octets", repeated("\u00e9", 128)},
                                          {"128 characters of four octets", repeated("\U0001F600", 128)}})
            label_is_kept(s, a, std::string{member} + " of " + what, member, value);
    auto const c = s.fresh("c");
    auto const refused = [&](std::string const& what, edit const& message, edit const& conversation) {
        s.refused(a.push({s.conversation(c, 1, {s.message("m1", "one", 1, message)}, conversation)}), "a push with " + what, {.statuses = {422, 400}});
    };
    for (auto const& [what, value] : {std::pair<char const*, std::string>{"no character", ""}, {"129 characters", repeated("c", 129)}, {"129 characters of four octets", repeated("\U0001F600", 129)}}) {
        for (char const* member : {"role", "surface", "source_backend"}) refused(std::string{member} + " of " + what, setting(member, value), {});
        refused(std::string{"source_backend of a conversation of "} + what, {}, setting("source_backend", value));
        refused(std::string{"one of the surfaces of "} + what, {}, setting("surfaces", json::array{"web", value}));
    }
    s.expect(a.read(c).status() == 404, "nothing is stored", a.read(c).describe());
}

void content_may_be_empty(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", ""), s.message("m2", "two")})}), "a push of a message with empty content");
    auto const now = a.read(c);
    s.control(now, "reading the conversation");
    auto const* m = find_by_id(now.body(), "/messages", "m1");
    s.expect(m && m->if_contains("content") && *m->if_contains("content") == "", "m1 with empty content", m ? show(*m) : "m1 is absent");
}

/// Takes the weight of large messages out of the feed again; whether that succeeds is judged elsewhere.
void lighten(scenario& s, peer const& a, std::string const& c) {
    a.push({s.conversation(c, 3, {s.message("m1", "", 3, setting("deleted", true))})});
}

void content_of_a_mebibyte(scenario& s) {
    auto const a = s.register_peer();
    for (auto const& [what, content] : {std::pair<char const*, std::string>{"65,537 octets", repeated("a", 65'537)}, {"1,048,576 ASCII characters", repeated("b", mebibyte)},
                                        {"1,048,576 octets of two-octet characters", repeated("\u00e9", mebibyte / 2)},
                                        {"1,048,576 octets of four-octet characters", repeated("\U0001F600", mebibyte / 4)}}) {
        auto const c = s.fresh("c");
        s.accepted(a.push({s.conversation(c, 1, {s.message("m1", content)})}), std::string{"content of "} + what);
        auto const now = a.read(c);
        s.control(now, "reading the conversation");
        auto const held = now.text("/messages/0/content");
        s.expect(held == content, std::string{"content of "} + what + " is kept", std::to_string(held.size()) + " octets: " + held.substr(0, 16));
        lighten(s, a, c);
    }
}

void content_beyond_a_mebibyte(scenario& s) {
    ground const g{s};
    exactly_as const too_large{.statuses = {422, 413, 400}};
    g.refuses("content of 1,048,577 octets", g.next(setting("content", repeated("a", mebibyte + 1))), too_large);
    g.refuses("content of 524,289 characters in 1,048,577 octets", g.next(setting("content", repeated("\u00e9", mebibyte / 2) + "a")), too_large);
    g.refuses("content of 1,572,864 octets", g.next(setting("content", repeated("\u20ac", mebibyte / 2))), too_large);
    auto const c = s.fresh("c");
    s.control(g.a.push({s.conversation(c, 1, {s.message("m1", repeated("a", mebibyte))})}), "content of 1,048,576 octets");
    lighten(s, g.a, c);
    g.was_spared("content beyond 1,048,576 octets");
}

void far_future_is_refused(scenario& s) {
    ground const g{s};
    for (auto const& [what, timestamp] : {std::pair<char const*, std::string>{"25 hours ahead", s.in_seconds(25 * 3600)},
                                          {"24 hours and 6 minutes ahead", s.in_seconds(24 * 3600 + 360)},
                                          {"a year ahead", s.in_seconds(365 * 86'400)},
                                          {"in the year 9999", "9999-12-31T23:59:59Z"},
                                          {"25 hours ahead, its wall clock 15 hours ahead", spelled(s.now() + std::chrono::hours{25}, -600, "-10:00")}})
        g.refuses(std::string{"a message "} + what, g.next(setting("timestamp", timestamp)), invalid);
    g.was_spared("messages from the far future");
}

/// What a push says of its own time does not move the bound: a peer whose clock is ahead would win by it.
void ahead_is_ahead_of_the_server(scenario& s) {
    ground const g{s};
    push_options const stamped{.timestamp = s.in_seconds(270)};
    auto const more_than_a_day = s.in_seconds(24 * 3600 + 120);
    s.refused(g.a.push({g.next(setting("timestamp", more_than_a_day))}, stamped), "a message 24 hours and 2 minutes ahead in a push that was signed 4.5 minutes ahead", invalid);
    g.was_spared("a message from the far future");
    push_options const late{.timestamp = s.in_seconds(-270)};
    s.accepted(g.a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "one", 1, setting("timestamp", s.in_seconds(24 * 3600 - 120)))})}, late), "a message 23 hours and 58 minutes ahead in a push that was signed 4.5 minutes ago");
}

/// Pushes one message with each timestamp, and reads it back.
void times_are_kept(scenario& s, std::vector<std::pair<char const*, std::string>> const& times) {
    auto const a = s.register_peer();
    for (auto const& [what, timestamp] : times) {
        auto const c = s.fresh("c");
        s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "one", 1, setting("timestamp", timestamp))})}), std::string{"a message "} + what);
        if (!s.keeps(timestamp)) continue;  // it has expired, which is no reason to refuse the push (BSP-PRV-054)
        auto const now = a.read(c);
        s.control(now, "reading the conversation");
        s.expect(now.text("/messages/0/timestamp") == timestamp, std::string{"a message "} + what + " is kept: " + timestamp, now.text("/messages/0/timestamp"));
    }
}

void near_future_is_accepted(scenario& s) {
    times_are_kept(s, {{"a second ahead", s.in_seconds(1)},
                       {"6 minutes ahead", s.in_seconds(360)},
                       {"12 hours ahead", s.in_seconds(12 * 3600)},
                       {"23 hours and 50 minutes ahead", s.in_seconds(24 * 3600 - 600)},
                       {"23 hours ahead, its wall clock 33 hours ahead", spelled(s.now() + std::chrono::hours{23}, 600, "+10:00")}});
}

void old_messages_are_accepted(scenario& s) {
    times_are_kept(s, {{"a day old", s.in_seconds(-86'400)},
                       {"a year old", s.in_seconds(-366 * 86'400)},
                       {"of a leap day", "2000-02-29T12:00:00Z"},
                       {"of 1999", "1999-12-31T23:59:59Z"},
                       {"of 1970", "1970-01-01T00:00:00Z"},
                       {"of 1969", "1969-12-31T23:59:59.5Z"},
                       {"of 1900", "1900-03-01T00:00:00Z"},
                       {"of the year 1", "0001-01-02T00:00:00Z"}});
}

void thousand_messages(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    std::vector<json::object> messages;
    std::vector<std::string> expected;
    for (int i = 0; i < 1000; ++i) {
        expected.push_back("m" + std::to_string(i));
        messages.push_back(s.message(expected.back(), "message " + std::to_string(i)));
    }
    std::sort(expected.begin(), expected.end());
    s.accepted(a.push({s.conversation(c, 1, std::move(messages))}), "a push of 1000 messages");
    auto const held = message_ids(s, a, c);
    s.expect(held == expected, "all 1000 messages are there", std::to_string(held.size()) + " messages");
}

void five_hundred_conversations(scenario& s) {
    auto const a = s.register_peer();
    std::vector<json::object> all;
    std::vector<std::string> ids;
    for (int i = 0; i < 500; ++i) {
        ids.push_back(s.fresh("c"));
        all.push_back(s.conversation(ids.back(), 1, {s.message("m1", "one")}));
    }
    s.accepted(a.push(std::move(all)), "a push of 500 conversations");
    for (std::size_t const i : {std::size_t{0}, std::size_t{1}, std::size_t{99}, std::size_t{100}, std::size_t{255}, std::size_t{256}, std::size_t{498}, std::size_t{499}})
        s.expect(message_ids(s, a, ids[i]) == std::vector<std::string>{"m1"}, "conversation number " + std::to_string(i + 1) + " holds its message", show(message_ids(s, a, ids[i])));
}

check const checks[] = {
    {.id = "syn/atomic",
     .title = "a push with one invalid item changes nothing, wherever that item stands",
     .clauses = {"BSP-SYN-051", "BSP-SYN-050"},
     .impact = "the sender takes the push for refused, mends and repeats it, and half of it happens twice or alone",
     .likely_cause = "items are written while they are validated, without a transaction around the push",
     .run = nothing_or_everything},
    {.id = "syn/invalid-not-swallowed",
     .title = "a push with an invalid item is never answered as if it had been accepted",
     .clauses = {"BSP-SYN-003", "BSP-SYN-052"},
     .impact = "messages are lost, and both sides believe they arrived",
     .likely_cause = "an error of one item is caught and logged, and the push is acknowledged",
     .run = invalid_items_are_told},
    {.id = "syn/required-members",
     .title = "a push in which a required member is missing is refused and changes nothing",
     .clauses = {"BSP-SYN-001", "BSP-SYN-002", "BSP-SYN-040", "BSP-SYN-041"},
     .impact = "incomplete messages spread to all backends, and some of these refuse them",
     .likely_cause = "a default is filled in for a member that has none",
     .run = required_members_are_required},
    {.id = "syn/version-range",
     .title = "versions from 0 to 2^53-1 are kept exactly, all others are refused",
     .clauses = {"BSP-SYN-010", "BSP-SYN-011"},
     .impact = "edits get lost: versions that differ become equal, or nothing can ever be greater",
     .likely_cause = "versions held as 32-bit integers or floating point, 0 taken for absent, or no bounds checked",
     .run = versions_have_bounds},
    {.id = "syn/open-words",
     .title = "role, surface and source_backend may be any word",
     .clauses = {"BSP-SYN-007", "BSP-SYN-008"},
     .impact = "messages of newer clients are refused",
     .likely_cause = "a closed enumeration of roles or surfaces",
     .run = words_are_open},
    {.id = "syn/labels",
     .title = "role, surface and source_backend have 1 to 128 characters, and others are refused",
     .clauses = {"BSP-SYN-007", "BSP-SYN-008", "BSP-GEN-025"},
     .impact = "messages with long labels are refused or come back shortened, or are accepted here and refused by every other backend",
     .likely_cause = "a column of 32 or 64 characters, a limit that counts octets, or none",
     .run = labels_have_128_characters},
    {.id = "syn/empty-content",
     .title = "a message with empty content is accepted",
     .clauses = {"BSP-SYN-004"},
     .impact = "tombstones and empty messages block the whole queue",
     .likely_cause = "an empty string is taken for a missing one",
     .run = content_may_be_empty},
    {.id = "syn/content-1-mib",
     .title = "content of up to 1,048,576 octets is accepted and kept",
     .clauses = {"BSP-SYN-005"},
     .impact = "long messages never arrive, and what waits behind them neither",
     .likely_cause = "a smaller limit on bodies or text columns",
     .run = content_of_a_mebibyte},
    {.id = "syn/content-too-large",
     .title = "content of more than 1,048,576 octets is refused and changes nothing",
     .clauses = {"BSP-SYN-006"},
     .impact = "messages spread that other backends must refuse, so that these never agree",
     .likely_cause = "no limit, or one that counts characters instead of octets",
     .run = content_beyond_a_mebibyte},
    {.id = "syn/message-far-ahead",
     .title = "a message dated more than 24 hours ahead is refused and changes nothing",
     .clauses = {"BSP-SYN-012"},
     .impact = "one peer with a wrong clock wins every tie for years",
     .likely_cause = "timestamps of messages are not compared with the clock",
     .run = far_future_is_refused},
    {.id = "syn/ahead-of-the-server",
     .title = "24 hours ahead are counted from the server's clock, whatever time a push says it is",
     .clauses = {"BSP-SYN-012", "BSP-SYN-020"},
     .impact = "who sets the clock ahead wins ties for longer than others, and who is behind cannot sync",
     .likely_cause = "the timestamps of messages are compared with the timestamp of the payload",
     .run = ahead_is_ahead_of_the_server},
    {.id = "syn/message-ahead",
     .title = "a message dated less than 24 hours ahead is accepted",
     .clauses = {"BSP-SYN-012", "BSP-SYN-020"},
     .impact = "a device whose clock runs ahead cannot sync",
     .likely_cause = "the window of the payload's timestamp is applied to messages",
     .run = near_future_is_accepted},
    {.id = "syn/old-messages",
     .title = "messages of any age are accepted",
     .clauses = {"BSP-SYN-014"},
     .impact = "a device that was offline for long loses what was written on it",
     .likely_cause = "old timestamps refused as stale, or dates before 1970 not representable",
     .run = old_messages_are_accepted},
    {.id = "syn/thousand-messages",
     .title = "a push of a conversation with 1000 messages is accepted whole",
     .clauses = {"BSP-GEN-072"},
     .impact = "the first sync of a long conversation never succeeds",
     .likely_cause = "a smaller limit on lists or bodies, or one transaction for each message",
     .run = thousand_messages},
    {.id = "syn/500-conversations",
     .title = "a push of 500 conversations is accepted whole",
     .clauses = {"BSP-GEN-073"},
     .impact = "the first sync of a long-time user never succeeds",
     .likely_cause = "a smaller limit on lists or bodies",
     .run = five_hundred_conversations},
};

}  // namespace

group push_validity_group() { return {"push_validity", profile::syn, checks}; }

}  // namespace bsp::conformance
