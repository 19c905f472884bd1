#include "digest.hpp"
#include "redaction.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

// Chapter 17: what comes in stays as it is, copies that come back, and other answers than pulls.

namespace bsp::conformance {
namespace {

constexpr unsigned as_local = need::local_target;

/// `copy` with a further member that makes its digest greater or less than that of `original`.
json::object tied(json::object const& original, json::object copy, bool greater) {
    for (int i = 0;; ++i) {
        copy["x_tie"] = i;
        if ((hex_digest(copy) > hex_digest(original)) == greater) return copy;
    }
}

void received_content_stays(scenario& s) {
    auto const user = s.user();
    set_redaction(s, user, s.account(), true);
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    std::string const content = "mail " + any_email(s) + ", call " + any_phone(s) + ", pay " + any_card(s), title = "with " + any_email(s), note = any_ssn(s);
    auto const m = s.message("m1", content, 3, [&](json::object& o) { o["x_note"] = json::object{{"deep", note}}; });
    s.control(a.push({s.conversation(c, 3, {m}, [&](json::object& o) { o["title"] = title; })}), "a push with personal data");
    auto const x = user.read(c);
    s.control(x, "the user's reading of it");
    auto const* held = find_by_id(x.body(), "/messages", "m1");
    s.expect(held && same(*held, m), "the message that was pushed, as it was: " + show(m), held ? show(*held) : "no such message");
    s.expect(x.text("/title") == title, "the title that was pushed, as it was: " + title, x.text("/title"));
    s.evidence("what was pushed, as the user reads it");
}

void local_peers_get_originals(scenario& s) {
    auto const user = s.user();
    set_redaction(s, user, s.account(), true);
    auto const a = s.register_peer(), b = s.register_peer();
    auto const c = s.fresh("c"), d = s.fresh("d");
    auto const m = s.message("m1", "mail " + any_email(s) + ", call " + any_phone(s));
    s.control(a.push({s.conversation(c, 1, {m}, [&](json::object& o) { o["title"] = any_email(s); })}), "a push of a local peer");
    std::string const written = "pay " + any_card(s);
    s.control(user.write(d, written, [](json::object& body) { body["id"] = "w1"; }), "a write of the user");
    auto const feed = recent_feed(s, b);
    auto const pushed = of_conversation(feed.conversations, c), own = of_conversation(feed.conversations, d);
    s.control(pushed.message("m1") && own.message("w1"), "both messages are in the pull of another local peer");
    s.expect(same(*pushed.message("m1"), m), "a local peer gets the message as it is: " + show(m), show(*pushed.message("m1")));
    s.expect(text_at(*own.message("w1"), "/content") == written, "a local peer gets what the user wrote: " + written, show(*own.message("w1")));
    s.evidence("messages in the pull of a local peer");
}

/// A copy with the same version and timestamp, whose digest is greater or less, arrives before or after the original.
void originals_win(scenario& s) {
    auto const user = s.user();
    set_redaction(s, user, s.account(), true);
    auto const a = s.register_peer(), b = s.register_peer();
    for (bool const greater : {true, false}) {
        for (bool const original_first : {true, false}) {
            auto const c = s.fresh("c");
            auto const original = s.message("m1", "call " + any_phone(s), 4);
            auto copy = original;
            copy["content"] = "call [REDACTED_PHONE]", copy["redacted"] = true;
            copy = tied(original, std::move(copy), greater);
            auto const& first = original_first ? original : copy;
            auto const& second = original_first ? copy : original;
            s.control(a.push({s.conversation(c, 4, {first})}), "a push of the one");
            s.control(b.push({s.conversation(c, 4, {second})}), "a push of the other");
            auto const x = user.read(c);
            s.control(x, "the user's reading of it");
            auto const* held = find_by_id(x.body(), "/messages", "m1");
            s.expect(held && same(*held, original), std::string{"the original stands "} + (original_first ? "although a redacted copy came after it" : "after a redacted copy came first"),
                     held ? show(*held) : "no such message");
        }
    }
    s.evidence("originals that met their copies");
}

/// What the target itself gave to a hosted peer comes back by push.
void own_copy_comes_back(scenario& s) {
    pulling_onlooker o{s};
    auto const c = s.fresh("c");
    std::string const content = "mail " + any_email(s);
    s.control(o.user.write(c, content, [](json::object& body) { body["id"] = "m1"; }), "a write of the user");
    auto const seen = o.sees(c);
    s.control(seen.message("m1") != nullptr, "the message is in a pull");
    s.control(o.source.push({seen.entry.as_object()}), "a push of what was pulled");
    auto const x = o.user.read(c);
    s.control(x, "the user's reading of it");
    s.expect(text_of(find_by_id(x.body(), "/messages", "m1")) == show(json::value(content)), "the user is shown what was written: " + content, text_of(find_by_id(x.body(), "/messages", "m1")));
    s.evidence("a message whose copy came back");
}

/// Everything else that a hosted peer may read.
void other_answers_are_redacted(scenario& s) {
    pulling_onlooker o{s};
    auto const c = s.fresh("c");
    std::string const said = any_email(s), lost = any_phone(s), called = any_ssn(s);
    auto const when = s.at();
    auto const stamped = [&](json::object& m) { m["timestamp"] = when; };
    s.control(o.source.push({s.conversation(c, 2, {s.message("m1", "mail " + said, 2, stamped)}, [&](json::object& e) { e["title"] = "of " + called; })}), "a push");
    s.control(o.source.push({s.conversation(c, 2, {s.message("m1", "call " + lost, 2, stamped)}, [&](json::object& e) { e["title"] = "of " + called; })}), "a push of another message of the same version");
    auto const nothing_of = [&](exchange const& x, std::string const& what) {
        if (!x.ok()) return s.note(what + " is not given to a peer: " + x.describe());
        for (auto const& secret : {said, lost, called}) s.expect(x.bytes().find(secret) == std::string::npos, what + ", read by a hosted peer, is redacted", "it has " + secret);
        s.evidence(what + " read by a hosted peer");
    };
    s.control(!recent_feed(s, o.reader).conversations.empty(), "a pull");
    nothing_of(o.reader.read(c), "a conversation");
    nothing_of(o.reader.get("/conversations/" + c + "?conflicts=1"), "a conversation with what lost");
    nothing_of(o.reader.get("/conversations?limit=500"), "the list of conversations");
}

/// Every page, from a watermark and from the beginning.
void every_page_is_redacted(scenario& s) {
    pulling_onlooker o{s};
    auto const mark = watermark(s, o.reader);
    std::vector<std::string> secrets, all;
    for (int i = 0; i < 4; ++i) {
        secrets.push_back(any_email(s)), all.push_back(s.fresh("c"));
        s.control(o.source.push({s.conversation(all.back(), 1, {s.message("m1", "mail " + secrets.back())})}), "a push");
    }
    for (auto const& [how, options] : {std::pair{"a pull from a watermark in pages of one", pull_options{.since = mark, .limit = 1}}, {"a pull from the beginning", pull_options{.limit = 500}}}) {
        auto const feed = o.reader.pull_all(options);
        std::string text;
        for (auto const& entry : feed.conversations) text += json::serialize(entry);
        for (std::size_t i = 0; i < all.size(); ++i) {
            s.control(feed.find(all[i]) != nullptr, "the conversation comes");
            s.expect(text.find(secrets[i]) == std::string::npos, std::string{how} + " has nothing personal on any page", "it has " + secrets[i]);
        }
        s.evidence(how);
    }
}

/// A backend that two users have paired gets of each what that user allows.
void redaction_is_of_the_user(scenario& s) {
    auto r = s.settled();
    auto const a = s.register_peer(r);
    r.user = s.other_account();
    auto const b = s.register_peer(r);
    for (bool const first : {true, false}) {
        set_redaction(s, s.user(), s.account(), first);
        set_redaction(s, s.other_user(), s.other_account(), !first);
        auto const mail = any_email(s), c = s.fresh("c");
        s.control(s.user().write(c, "mail " + mail), "a write");
        s.control(s.other_user().write(c, "mail " + mail), "a write of the other user");
        auto const shown = [&](peer const& p) {
            auto const state = of_conversation(recent_feed(s, p).conversations, c);
            s.control(state.present, "the conversation comes");
            return json::serialize(state.entry).find(mail) != std::string::npos;
        };
        s.expect(shown(a) != first, std::string{"the pull of the first user's registration is "} + (first ? "redacted" : "as it was written"), "it is not");
        s.expect(shown(b) == first, std::string{"the pull of the second user's registration of the same backend is "} + (first ? "as it was written" : "redacted"), "it is not");
    }
    set_redaction(s, s.user(), s.account(), true);
    set_redaction(s, s.other_user(), s.other_account(), true);
    s.evidence("pulls of both");
}

/// Whatever ends a held pull goes to the same peer.
void held_answers_are_redacted(scenario& s) {
    s.needs_declared("live_pull");
    pulling_onlooker o{s};
    auto const c = s.fresh("c");
    std::string const said = any_email(s), called = any_ssn(s);
    auto const mark = o.reader.pull_all({.since = s.in_seconds(-5), .limit = 500}).last_sync;
    auto const payload = o.source.payload({s.conversation(c, 1, {s.message("m1", "mail " + said)}, [&](json::object& e) { e["title"] = "of " + called; })});
    auto const answers = s.together({[&] { return o.reader.get("/sync/" + o.reader.peer_id() + "?wait=6&limit=500&since=" + percent_encode_segment(mark)); },
                                     [&] {
                                         std::this_thread::sleep_for(std::chrono::milliseconds{400});
                                         return o.source.call("POST", "/sync/" + o.source.peer_id(), json::serialize(payload), {.authorization = ""});
                                     }});
    s.control(answers[1], "a push while a pull is held");
    s.accepted(answers[0], "a pull of a hosted peer that was held meanwhile");
    for (auto const& secret : {said, called}) s.expect(answers[0].bytes().find(secret) == std::string::npos, "what ends a held pull of a hosted peer is redacted", "it has " + secret);
}

void decoded_strings_are_searched(scenario& s) {
    pulling_onlooker o{s};
    auto const c = s.fresh("c");
    std::string const mail = any_email(s), phone = any_phone(s);
    // As a client might spell it.
    push_options spelled;
    spelled.bytes = [](std::string body) {
        std::string out;
        for (char const each : body) each == '@' ? out += "\\u0040" : out += each;
        return out;
    };
    s.control(o.source.push({s.conversation(c, 1, {s.message("m1", "mail " + mail), s.message("m2", "a\n" + phone + "\tb"), s.message("m3", "\u00e9" + phone + "\u00e9")})}, spelled), "a push with escapes");
    auto const seen = o.sees(c);
    for (auto const& [id, expected] : {std::pair{"m1", std::string{"mail [REDACTED_EMAIL]"}}, std::pair{"m2", std::string{"a\n[REDACTED_PHONE]\tb"}}, std::pair{"m3", std::string{"\u00e9[REDACTED_PHONE]\u00e9"}}}) {
        s.control(seen.message(id) != nullptr, "the message comes " + o.how());
        s.expect(text_of(seen.message(id)) == show(json::value(expected)), show(json::value(expected)) + " for a text that was sent with escapes", text_of(seen.message(id)));
    }
    s.evidence("texts that were sent with escapes");
}

/// Texts of a megabyte on which backtracking expressions and naive scans take minutes.
void hostile_texts_take_no_time(scenario& s) {
    pulling_onlooker o{s};
    using clock = std::chrono::steady_clock;
    constexpr std::chrono::seconds patience{20};
    auto const relay = [&](std::string const& unit) {
        std::string content;
        while (content.size() + unit.size() < (1u << 20)) content += unit;
        auto const mark = watermark(s, o.reader);
        s.control(o.source.push({s.conversation(s.fresh("c"), 1, {s.message("m1", content)})}), "a push of a megabyte");
        auto const begun = clock::now();
        auto const both = s.together({[&] { return o.reader.pull({.since = mark}); }, [&] { return s.nobody().get("/health"); }});
        auto const took = between(begun, clock::now());
        std::string const text = "a text of a megabyte of " + show(json::value(unit));
        s.expect_in_time(both.at(1).ok() && both.at(1).took() < patience, "/health answers while " + text + " is redacted", both.at(1).describe() + " after " + seconds_text(took));
        s.expect_in_time(both.at(0).ok() && took < patience, text + " is in a pull within 20 s", both.at(0).describe() + " after " + seconds_text(took));
        s.note(text + ": " + seconds_text(took));
    };
    for (char const* unit : {"abc ", "a.", "a@a.", "1", "1-", "+1", "(555) ", "a@b.co-", "x@x", "4111 ", "555-"}) relay(unit);
    s.evidence("texts of a megabyte");
}

/// Whoever reads a long text in pieces may cut what is personal in two.
void long_texts_are_read_whole(scenario& s) {
    pulling_onlooker o{s};
    struct long_text {
        std::string what, text, expected;
        std::vector<std::string> hidden;
    };
    // Personal data across every `step`th byte, or character, of a text that is made of `letter`.
    auto const make = [&](std::string const& letter, bool characters, std::size_t step) {
        std::string (*const makers[])(scenario&) = {any_email, any_phone, any_ssn, any_card};
        std::string_view const words[] = {" [REDACTED_EMAIL] ", " [REDACTED_PHONE] ", " [REDACTED_SSN] ", " [REDACTED_CREDIT_CARD] "};
        long_text out{"every " + std::to_string(step) + "th " + (characters ? "character" : "byte") + " of a long text of " + show(json::value(letter)), {}, {}, {}};
        std::size_t const unit = characters ? 1 : letter.size();
        for (std::size_t place = 0, at = step, kind = 0; at <= 132'000; at += step, kind = (kind + 1) % 4) {
            auto const piece = makers[kind](s);
            for (; place + unit + 1 + piece.size() / 2 <= at; place += unit) out.text += letter, out.expected += letter;
            out.text += ' ' + piece + ' ', out.expected += words[kind];
            place += piece.size() + 2;
            out.hidden.push_back(piece);
        }
        return out;
    };
    std::vector<long_text> const all{make("x", false, 512), make("x", false, 500), make("\u00e9", false, 512), make("\u00e9", true, 512)};
    auto const c = s.fresh("c");
    std::vector<json::object> messages;
    for (auto const& one : all) messages.push_back(s.message("m" + std::to_string(messages.size()), one.text));
    s.control(o.source.push({s.conversation(c, 1, std::move(messages))}), "a push of long texts");
    auto const seen = o.sees(c);
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const* m = seen.message("m" + std::to_string(i));
        s.control(m != nullptr, "every message comes " + o.how());
        auto const text = text_at(*m, "/content");
        for (auto const& piece : all[i].hidden) s.expect(text.find(piece) == std::string::npos, "personal data that lies across " + all[i].what + " is redacted " + o.how(), show(json::value(piece)) + " is left");
        s.expect(text == all[i].expected, "what lies between stays as it is in " + all[i].what.substr(all[i].what.find("a long")), "it has changed");
    }
    s.evidence("long texts " + o.how());
}

void digest_is_of_what_is_given(scenario& s) {
    auto const a = offered_to(s);
    set_redaction(s, s.user(), s.account(), true);
    s.control(s.user().write(s.fresh("c"), "mail " + any_email(s), [&](json::object& body) { body["title"] = any_phone(s); }), "a write of the user");
    auto const expected = computed(a.pull_all({.limit = 500}).conversations);
    auto const x = read_digest(a);
    s.control(x, "reading the digest");
    s.expect(x.text("/digest") == expected.digest, "the digest of the state as the peer gets it, " + expected.digest, x.text("/digest"));
}

check const checks[] = {
    {.id = "red/received-stays",
     .title = "content that a peer pushed is kept and shown as it came",
     .clauses = {"BSP-RED-018"},
     .impact = "what a person wrote on one device is mutilated on another of their own",
     .likely_cause = "redaction sits at the entrance instead of the exit",
     .run = received_content_stays},
    {.id = "red/local-peers-get-originals",
     .title = "a local peer gets what was written",
     .clauses = {"BSP-RED-017"},
     .impact = "a person's own devices show them less than they wrote",
     .likely_cause = "every transfer is redacted, whoever gets it",
     .run = local_peers_get_originals,
     .needs = need::hosted_target},
    {.id = "red/originals-win",
     .title = "between an original and its redacted copy the original stands, whichever came first and whatever their digests",
     .clauses = {"BSP-RED-030", "BSP-RED-031"},
     .impact = "the original is lost to a copy with holes in it",
     .likely_cause = "equal versions are decided by the order of arrival or by the digest alone",
     .run = originals_win},
    {.id = "red/own-copy-comes-back",
     .title = "a redacted copy that is pushed back does not displace the original",
     .clauses = {"BSP-RED-030"},
     .impact = "a person's own data is destroyed on their own machine",
     .likely_cause = "the copy carries no mark, or the mark is not heeded in the merge",
     .run = own_copy_comes_back,
     .needs = as_local},
    {.id = "red/every-page",
     .title = "every page of every pull is redacted",
     .clauses = {"BSP-RED-010"},
     .impact = "personal data goes to a hosted peer with the second page, or when it begins anew",
     .likely_cause = "the first page, or the pull from a watermark, has a way of its own",
     .run = every_page_is_redacted,
     .needs = as_local},
    {.id = "red/of-each-user",
     .title = "a hosted backend that two users have paired gets of each what that user allows",
     .clauses = {"BSP-RED-010", "BSP-RED-016"},
     .impact = "one person's choice gives away another's addresses",
     .likely_cause = "the setting is looked up by backend",
     .run = redaction_is_of_the_user,
     .needs = as_local | need::alone | need::second_user},
    {.id = "red/other-answers",
     .title = "conversations that a hosted peer reads by other requests are redacted, too",
     .clauses = {"BSP-RED-010"},
     .impact = "what is replaced in a pull is handed out by the next endpoint",
     .likely_cause = "redaction is part of the sync code, and not of every way out",
     .run = other_answers_are_redacted,
     .needs = as_local},
    {.id = "red/held-pull",
     .title = "what ends a held pull of a hosted peer is redacted",
     .clauses = {"BSP-RED-010"},
     .impact = "whoever waits for news gets them as they were written",
     .likely_cause = "held pulls are answered on a path of their own",
     .run = held_answers_are_redacted,
     .needs = as_local},
    {.id = "red/decoded",
     .title = "personal data is found however JSON spells it",
     .clauses = {"BSP-RED-007"},
     .impact = "an address that was sent with an escape passes",
     .likely_cause = "the serialized text is searched, not the strings",
     .run = decoded_strings_are_searched,
     .needs = as_local},
    {.id = "red/long-texts",
     .title = "personal data is found wherever it stands in a long text",
     .clauses = {"BSP-RED-010", "BSP-RED-004"},
     .impact = "of what a person pastes, some addresses go out as they are",
     .likely_cause = "long texts are read in pieces, and what lies across the end of one is not seen; or only their beginning is read",
     .run = long_texts_are_read_whole,
     .needs = as_local},
    {.id = "red/hostile-text",
     .title = "texts of a megabyte made to be slow are redacted in time, and the server answers meanwhile",
     .clauses = {"BSP-RED-006"},
     .impact = "one message stops a backend for all its users",
     .likely_cause = "expressions that backtrack",
     .run = hostile_texts_take_no_time,
     .needs = as_local | need::alone},
    {.id = "red/digest",
     .title = "the digest for a hosted peer is that of what it is given",
     .clauses = {"BSP-RED-033"},
     .impact = "two backends in sync never find out, and exchange everything again and again",
     .likely_cause = "the digest is computed over what is kept",
     .run = digest_is_of_what_is_given,
     .needs = as_local | need::own_user,
     .strength = obligation::should},
};

}  // namespace

group redaction_copies_group() { return {"redaction_copies", profile::prv, checks}; }

}  // namespace bsp::conformance
