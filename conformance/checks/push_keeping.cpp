#include "../registry.hpp"
#include "ground.hpp"
#include "odd_names.hpp"

// Section 6.1: what was accepted comes back as it was given, in conversations that are read and in pulls.

namespace bsp::conformance {
namespace {

/// One pushed conversation and both ways to see it.
struct seen {
    std::string way;
    fed state;
};

std::vector<seen> both_ways(scenario& s, peer const& a, std::string const& c) {
    auto const x = a.read(c);
    s.control(x, "reading the conversation");
    std::vector<json::object> entries;
    if (x.body().is_object()) entries.push_back(x.body().get_object());
    auto read = of_conversation(entries, c);
    auto pulled = of_conversation(recent_feed(s, a).conversations, c);
    s.control(pulled.present, "the conversation is in the pull");
    return {{"read", std::move(read)}, {"pulled", std::move(pulled)}};
}

/// `member` of every message and of the conversation is what was pushed.
void expect_kept(scenario& s, peer const& a, json::object const& pushed, std::vector<std::string> const& of_conversation, std::vector<std::string> const& of_messages) {
    json::value const sent = pushed;
    auto const c = text_at(sent, "/conversation_id");
    for (auto const& [way, state] : both_ways(s, a, c)) {
        for (auto const& member : of_conversation) s.expect_same(member + " of the conversation, " + way + ",", pushed.at(member), state.entry.is_object() ? state.entry.get_object().if_contains(member) : nullptr);
        for (auto const& m : objects_at(sent, "/messages")) {
            auto const id = std::string{json::view(m.at("id").as_string())};
            auto const* held = state.message(id);
            s.expect(held != nullptr, "message " + id + " is " + way, "it is absent");
            for (auto const& member : of_messages)
                if (auto const* value = m.if_contains(member)) s.expect_same(member + " of message " + id + ", " + way + ",", *value, held->if_contains(member));
        }
    }
}

void text_is_kept(scenario& s) {
    using namespace std::string_literals;
    std::vector<std::string> const texts{
        "hi \U0001F600",                                                              // beyond the BMP
        "\U0001F469\u200D\U0001F4BB \U0001F1E9\U0001F1EA",                            // joined emoji, a flag
        "e\u0301 and \u00e9, \u1100\u1161 and \uac00, \u212b and \u00c5, \ufb01",     // both forms of what normalization joins
        " a space at both ends ", "   ", "\u00a0\u2003wide spaces\u3000", "\t", "\n", "\r\n",
        "CR LF\r\nCR\rLF\n", "trailing line feeds\n\n",
        "U+0000 within\0it"s, "\0"s, "ends with U+0000\0"s,
        "\ufeffbyte order mark", "\ufeff",
        "\u0001\u0002\u0008\u000b\u000c\u000e\u001b[31m\u001f\u007f\u0085\u009f",     // controls
        "\u2028\u2029\u200b\u202e\u2066",                                             // separators, zero width, bidirectional
        "<b>&amp;&#39;</b> ' OR 1=1; -- \" \\ \\n \\u0041 / \\/ %00 %41 + {{x}} ${y} $1", "null", "true", "0", "1e3", "-0", "{\"a\": 1}", "[]",
        "\uac00\ud7a3\u0e01\u0627\u05d0\U0001D11E\U0010FFFD",
    };
    auto const a = s.register_peer();
    std::vector<json::object> messages;
    for (std::size_t i = 0; i < texts.size(); ++i) messages.push_back(s.message("m" + std::to_string(i), texts[i]));
    auto const c = s.conversation(s.fresh("c"), 1, std::move(messages), [](json::object& o) { o["title"] = " Cafe\u0301 \u212b \U0001F600 \r\n"; });
    s.accepted(a.push({c}), "a push of unusual texts");
    expect_kept(s, a, c, {"title"}, {"content"});

    std::string long_title;
    for (int i = 0; i < 100; ++i) long_title += "\u00e9\U0001F600x";
    auto const d = s.conversation(s.fresh("c"), 1, {}, [&](json::object& o) { o["title"] = long_title; });
    s.accepted(a.push({d}), "a push of a title of 300 characters");
    expect_kept(s, a, d, {"title"}, {});
}

void timestamps_are_kept(scenario& s) {
    std::vector<std::string> spellings{
        "2025-03-01T10:00:00Z", "2025-03-01T12:00:00+02:00", "2025-03-01T04:30:00-05:30", "2025-03-01T10:00:00+00:00", "2025-03-01T10:00:00-00:00", "2025-03-01T10:00:00",
        "2025-03-01t10:00:00z", "2025-03-01T10:00:00.5Z", "2025-03-01T10:00:00.500Z", "2025-03-01T10:00:00.000Z", "2025-03-01T10:00:00.123456789Z",
        "2025-03-01T10:00:00.120000000+00:00", "2025-03-01T10:00:00.000001", "2016-12-31T23:59:60Z", "2017-01-01T00:59:60.25+01:00",
    };
    std::erase_if(spellings, [&](std::string const& t) { return !s.keeps(t); });
    auto const a = s.register_peer();
    std::vector<json::object> messages, conversations;
    for (std::size_t i = 0; i < spellings.size(); ++i) messages.push_back(s.message("m" + std::to_string(i), "x", 1, [&](json::object& m) { m["timestamp"] = spellings[i]; }));
    conversations.push_back(s.conversation(s.fresh("c"), 1, std::move(messages)));
    for (auto const& spelling : spellings) conversations.push_back(s.conversation(s.fresh("d"), 1, {}, [&](json::object& o) { o["last_modified"] = spelling; }));
    s.accepted(a.push(conversations), "a push of timestamps in every spelling");

    expect_kept(s, a, conversations.front(), {}, {"timestamp"});
    auto const pulled = recent_feed(s, a).conversations;
    for (std::size_t i = 0; i < spellings.size(); ++i) {
        auto const c = text_at(conversations[i + 1], "/conversation_id");
        auto const x = a.read(c);
        s.control(x, "reading a conversation");
        s.expect(x.text("/last_modified") == spellings[i], "last_modified " + spellings[i] + ", read", x.text("/last_modified"));
        auto const entry = of_conversation(pulled, c);
        s.control(entry.present, "the conversation is in the pull");
        s.expect(text_at(entry.entry, "/last_modified") == spellings[i], "last_modified " + spellings[i] + ", pulled", text_at(entry.entry, "/last_modified"));
    }
}

void unknown_members_are_kept(scenario& s) {
    json::object unknown{
        {"x_text", " \U0001F600 e\u0301\n"}, {"x_null", nullptr}, {"x_true", true}, {"x_zero", 0}, {"x_large", 9'007'199'254'740'991}, {"x_small", -9'007'199'254'740'991},
        {"x_empty", json::object{}}, {"x_none", json::array{}}, {"x_nested", json::object{{"list", json::array{json::object{{"b", json::array{nullptr, "x", -1}}}}}, {"", ""}}},
        {"message_id", "other"}, {"updated_at", "2025-01-01"}, {"created_at", 7}, {"metadata", json::object{{"model", "x"}}}, {"user_id", "somebody"}, {"peer_id", "x"},
        {"tags", json::array{"a", "a"}}, {"Content", "x"}, {"gr\u00f6\u00dfe", 1}};
    json::object inner;
    for (auto const name : odd_names) unknown[name] = inner[name] = "kept";
    unknown["x_odd"] = inner;
    std::vector<std::string> names;
    for (auto const& member : unknown) names.emplace_back(json::view(member.key()));
    edit const add = [&](json::object& o) {
        for (auto const& member : unknown) o[member.key()] = member.value();
    };
    auto const a = s.register_peer();
    auto const c = s.conversation(s.fresh("c"), 1, {s.message("m1", "one", 1, add), s.message("m2", "two")}, add);
    s.accepted(a.push({c}), "a push with unknown members");
    expect_kept(s, a, c, names, names);
    for (auto const& [way, state] : both_ways(s, a, std::string{json::view(c.at("conversation_id").as_string())}))
        s.expect(!state.message("m2")->contains("x_text"), "a message gets no unknown members that it did not have, " + way, show(*state.message("m2")));
}

void sources_are_kept(scenario& s) {
    auto const a = s.register_peer();
    for (std::string const& source : {std::string{"local"}, std::string{"hosted"}, std::string{"cloud"}, a.backend_id(), a.peer_id(), s.identity().backend_id, s.fresh_backend_id()}) {
        auto const set = [&](json::object& o) { o["source_backend"] = source; };
        auto const c = s.conversation(s.fresh("c"), 1, {s.message("m1", "one", 1, set), s.message("m2", "two", 1, [](json::object& o) { o["source_backend"] = "elsewhere"; })}, set);
        s.accepted(a.push({c}), "a push of source_backend " + source);
        expect_kept(s, a, c, {"source_backend"}, {"source_backend"});
    }
}

check const checks[] = {
    {.id = "syn/content-verbatim",
     .title = "texts come back with exactly the code points they were pushed with",
     .clauses = {"BSP-GEN-056"},
     .impact = "what people wrote is changed, and the same message differs between backends for ever",
     .likely_cause = "text is trimmed, normalized, or cut at U+0000",
     .run = text_is_kept},
    {.id = "syn/timestamps-verbatim",
     .title = "timestamps come back in the spelling they were pushed with",
     .clauses = {"BSP-GEN-056", "BSP-MRG-033", "BSP-GEN-053"},
     .impact = "the digest of a message differs between backends, so that ties are decided differently",
     .likely_cause = "timestamps are stored as dates and formatted anew",
     .run = timestamps_are_kept},
    {.id = "syn/unknown-members-kept",
     .title = "unknown members of messages and conversations come back unchanged",
     .clauses = {"BSP-GEN-069", "BSP-SYN-018"},
     .impact = "what newer clients store is lost on its way through this backend",
     .likely_cause = "messages are stored in columns of known members only",
     .run = unknown_members_are_kept},
    {.id = "syn/source-kept",
     .title = "source_backend of messages and conversations is not changed",
     .clauses = {"BSP-SYN-017"},
     .impact = "nobody can tell any more where a message was written, and its digest changes on every hop",
     .likely_cause = "source_backend is set to the sender's or the receiver's own type on arrival",
     .run = sources_are_kept},
};

}  // namespace

group push_keeping_group() { return {"push_keeping", profile::syn, checks}; }

}  // namespace bsp::conformance
