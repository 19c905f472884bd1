#include "redaction.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <set>

namespace bsp::conformance {

namespace embedded {
extern std::string_view const redaction_json;
}

namespace {

std::string digits(scenario& s, std::size_t count) {
    std::string out(1, static_cast<char>('2' + s.pick(8)));
    while (out.size() < count) out += static_cast<char>('0' + s.pick(10));
    return out;
}

std::string const* content_of(json::object const* message, std::string& into) {
    auto const* text = message ? json::find_string(*message, "content") : nullptr;
    if (!text) return nullptr;
    into = json::view(*text);
    return &into;
}

std::string quoted(std::string_view text) { return show(json::value(text)); }

bool is_marked(json::object const& o) {
    auto const* mark = o.if_contains("redacted");
    return mark && *mark == true;
}

/// A conversation in which each text is a message, m0, m1 …, of both roles in turn.
json::object conversation_of(scenario& s, std::string const& id, std::vector<std::string> const& texts) {
    std::vector<json::object> messages;
    for (auto const& text : texts) {
        char const* const role = messages.size() % 2 == 0 ? "user" : "assistant";
        messages.push_back(s.message("m" + std::to_string(messages.size()), text, 1, [role](json::object& m) { m["role"] = role; }));
    }
    return s.conversation(id, 1, std::move(messages));
}

/// What the onlooker gets of the texts, in their order. A message that does not come is INCONCLUSIVE: other checks judge that.
template <class Onlooker>
std::vector<std::string> seen_of(scenario& s, Onlooker& o, std::vector<std::string> const& texts) {
    auto const c = s.fresh("c");
    s.control(o.source.push({conversation_of(s, c, texts)}), "a push of the texts to the target");
    auto const state = o.sees(c, "m" + std::to_string(texts.size() - 1));
    std::vector<std::string> out;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        std::string content;
        s.control(content_of(state.message("m" + std::to_string(i)), content) != nullptr, "every message comes " + o.how());
        out.push_back(std::move(content));
    }
    return out;
}

template <class Holds>
void each_item(scenario& s, std::vector<corpus_item> const& items, std::vector<std::string> const& seen, std::string const& how, Holds holds) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto const [ok, expected] = holds(items[i], seen[i]);
        s.expect(ok, expected + " (" + items[i].id + ": " + items[i].catches + "; text: " + quoted(items[i].text) + ")", quoted(seen[i]) + " " + how);
    }
}

std::vector<corpus_item> items_that(bool (*holds)(corpus_item const&)) {
    std::vector<corpus_item> out;
    std::ranges::copy_if(redaction_corpus(), std::back_inserter(out), holds);
    return out;
}

std::vector<std::string> texts_of(std::vector<corpus_item> const& items) {
    std::vector<std::string> out;
    for (auto const& item : items) out.push_back(item.text);
    return out;
}

}  // namespace

std::vector<corpus_item> const& redaction_corpus() {
    static std::vector<corpus_item> const all = [] {
        std::vector<corpus_item> out;
        auto const document = json::parse(embedded::redaction_json).value();
        for (auto const& v : objects_at(document, "/vectors")) {
            corpus_item item{text_at(v, "/id"), text_at(v, "/catches"), text_at(v, "/text"), text_at(v, "/redacted"), text_at(v, "/level") == "required", {}};
            if (auto const* pieces = v.if_contains("pii"))
                for (auto const& piece : pieces->as_array()) item.pii.emplace_back(json::view(piece.as_string()));
            out.push_back(std::move(item));
        }
        return out;
    }();
    return all;
}

void set_redaction(scenario& s, caller const& user, user_account const& account, bool on) {
    auto const x = user.get("/privacy-settings");
    if (x.status() == 404 || x.status() == 405 || x.status() == 501) s.untested("the target has no /privacy-settings");
    s.control(x, "reading the privacy settings");
    auto const* held = x.at("/redact_pii");
    if (held && *held == on) return;
    s.control(user.call("PUT", "/privacy-settings", json::serialize(json::object{{"user_id", account.id}, {"redact_pii", on}})), on ? "switching redaction on" : "switching redaction off");
}

std::string any_email(scenario& s) { return s.canary(10) + "@" + s.canary(8) + ".example"; }
std::string any_phone(scenario& s) { return digits(s, 3) + "-" + digits(s, 3) + "-" + digits(s, 4); }
std::string any_ssn(scenario& s) { return digits(s, 3) + "-" + digits(s, 2) + "-" + digits(s, 4); }
std::string any_card(scenario& s) {
    std::string number = digits(s, 15);
    int sum = 0;
    for (std::size_t i = 0; i < number.size(); ++i) {
        int d = number[i] - '0';
        if (i % 2 == 0 && (d *= 2) > 9) d -= 9;
        sum += d;
    }
    number += static_cast<char>('0' + (10 - sum % 10) % 10);
    return number.substr(0, 4) + " " + number.substr(4, 4) + " " + number.substr(8, 4) + " " + number.substr(12);
}

std::string text_of(json::object const* message) {
    std::string content;
    return content_of(message, content) ? quoted(content) : "no such message";
}

pulling_onlooker::pulling_onlooker(scenario& s) : world{s}, user{s.user()}, account{s.account()}, source{s.register_peer()}, reader{s.register_peer()} {
    set_redaction(s, user, account, true);
}

fed pulling_onlooker::sees(std::string const& conversation, std::string_view) { return of_conversation(recent_feed(world, reader).conversations, conversation); }

pushed_onlooker::pushed_onlooker(scenario& s) : world{s}, in{s}, user{in.user()}, account{in.account()}, source{s.register_peer_of(account)} {
    set_redaction(s, user, account, true);
    in.settle();
}

fed pulling_onlooker::may_see(std::string const& conversation, std::vector<std::string> const&) { return sees(conversation); }

fed pushed_onlooker::sees(std::string const& conversation, std::string_view last_message) {
    world.control(in.delivered(std::chrono::seconds{40}, conversation, last_message), "a push of it to the hosted peer");
    return may_see(conversation, {});
}

fed pushed_onlooker::may_see(std::string const& conversation, std::vector<std::string> const& messages) {
    (void)in.until(soon, [&] { return std::ranges::all_of(messages, [&](std::string const& m) { return in.delivered(std::chrono::milliseconds{0}, conversation, m); }); });
    std::vector<json::object> entries;
    for (auto const& push : in.pushes_of(conversation))
        for (auto const& entry : objects_at(push.body, "/conversations")) entries.push_back(entry);
    return of_conversation(entries, conversation);
}

template <class Onlooker>
void corpus_leaves_nothing(scenario& s) {
    Onlooker o{s};
    auto const items = items_that([](corpus_item const& i) { return i.is_required && !i.pii.empty(); });
    each_item(s, items, seen_of(s, o, texts_of(items)), o.how(), [](corpus_item const& item, std::string const& seen) {
        auto const left = std::ranges::find_if(item.pii, [&](std::string const& piece) { return seen.find(piece) != std::string::npos; });
        return std::pair{left == item.pii.end(), "nothing of the personal data is left" + (left == item.pii.end() ? "" : ", and so no " + quoted(*left))};
    });
    s.evidence("texts of the corpus " + o.how());
}

template <class Onlooker>
void negative_corpus_stays(scenario& s) {
    Onlooker o{s};
    auto const items = items_that([](corpus_item const& i) { return i.is_required && i.pii.empty(); });
    each_item(s, items, seen_of(s, o, texts_of(items)), o.how(), [](corpus_item const& item, std::string const& seen) { return std::pair{seen == item.text, std::string{"the text stays as it is"}}; });
    s.evidence("texts of the corpus " + o.how());
}

template <class Onlooker>
void results_are_the_published_ones(scenario& s) {
    Onlooker o{s};
    auto const items = items_that([](corpus_item const&) { return true; });
    each_item(s, items, seen_of(s, o, texts_of(items)), o.how(), [](corpus_item const& item, std::string const& seen) { return std::pair{seen == item.redacted, quoted(item.redacted)}; });
    s.evidence("texts of the corpus " + o.how());
}

template <class Onlooker>
void matches_are_replaced_in_their_place(scenario& s) {
    Onlooker o{s};
    std::vector<std::string> texts, expected;
    for (int i = 0; i < 8; ++i) {
        std::string const a = "ab ", b = " cd\n\u00e9 ", c = ", \U0001F600 ", d = " \"quoted\" ", e = ".\t";
        texts.push_back(a + any_email(s) + b + any_phone(s) + c + any_ssn(s) + d + any_card(s) + e + any_email(s) + b + any_phone(s));
        expected.push_back(a + "[REDACTED_EMAIL]" + b + "[REDACTED_PHONE]" + c + "[REDACTED_SSN]" + d + "[REDACTED_CREDIT_CARD]" + e + "[REDACTED_EMAIL]" + b + "[REDACTED_PHONE]");
    }
    auto const seen = seen_of(s, o, texts);
    for (std::size_t i = 0; i < texts.size(); ++i) s.expect(seen[i] == expected[i], quoted(expected[i]) + " for " + quoted(texts[i]), quoted(seen[i]) + " " + o.how());
    s.evidence("redacted texts " + o.how());
}

template <class Onlooker>
void kinds_have_an_order(scenario& s) {
    Onlooker o{s};
    std::vector<std::string> texts;
    for (int i = 0; i < 4; ++i)
        for (auto const& number : {any_phone(s), any_ssn(s), digits(s, 10), digits(s, 16)}) texts.push_back("to " + number + "@" + s.canary(8) + ".example now");
    auto const seen = seen_of(s, o, texts);
    for (std::size_t i = 0; i < texts.size(); ++i)
        s.expect(seen[i] == "to [REDACTED_EMAIL] now", "\"to [REDACTED_EMAIL] now\" for " + quoted(texts[i]) + ", which is a mail address before it is a number", quoted(seen[i]) + " " + o.how());
    s.evidence("redacted texts " + o.how());
}

/// Personal data at every place that section 17.2 names, each of its own; the plain word tells the place.
template <class Onlooker>
void every_string_is_redacted(scenario& s) {
    Onlooker o{s};
    auto const c = s.fresh("c");
    std::vector<std::pair<std::string, std::string>> hidden;  // where, what
    std::size_t kind = 0;
    auto const hide = [&](std::string where) {
        std::string (*const makers[])(scenario&) = {any_email, any_phone, any_ssn, any_card};
        hidden.emplace_back(std::move(where), makers[kind++ % 4](s));
        return "see " + hidden.back().second + " there";
    };
    auto const strange = [&](std::string const& of) {
        return json::object{{"plain", hide("an object in " + of)},
                            {"list", json::array{1, hide("a list in " + of), json::array{json::object{{"deep", hide("a list in a list in " + of)}}}, nullptr}},
                            {"named", json::object{{"role", hide("a role in an object in " + of)}, {"content", hide("a content in an object in " + of)}, {"title", hide("a title in an object in " + of)}, {"surface", hide("a surface in an object in " + of)},
                                                   {"source_backend", hide("a source_backend in an object in " + of)}}},
                            {"number", 5551234567}};
    };
    auto const message = [&](char const* id, char const* role, std::string const& which) {
        json::object const x = strange("an unknown member of " + which);
        std::string const text = hide("an unknown member of " + which), content = hide("the content of " + which);
        return s.message(id, content, 1, [&](json::object& m) { m["role"] = role, m["x_note"] = text, m["x_more"] = x; });
    };
    std::vector<json::object> messages{message("m1", "user", "the first message, of the user"), message("m2", "assistant", "a message of the assistant"),
                                       message("m3", "system", "a message of the system"), message("m4", "user", "a later message of the user")};
    json::object const more = strange("an unknown member of the conversation");
    std::string const title = hide("the title"), note = hide("an unknown member of the conversation");
    auto const pushed = s.conversation(c, 1, std::move(messages), [&](json::object& o2) { o2["title"] = title, o2["x_note"] = note, o2["x_more"] = more; });
    s.control(o.source.push({pushed}), "a push to the target");
    auto const written = s.fresh("w");
    std::string const said = hide("a message that the user wrote"), called = hide("a title that the user wrote"), noted = hide("an unknown member that the user wrote");
    auto const x = o.user.write(written, said, [&](json::object& body) { body["id"] = "w1", body["title"] = called, body["x_note"] = noted; });
    s.control(x, "a write of the user");

    std::string all;
    for (auto const& [conversation, last] : {std::pair{c, "m4"}, std::pair{written, "w1"}}) {
        auto const state = o.sees(conversation, last);
        s.control(state.present && state.message(last), "the conversation comes " + o.how());
        all += json::serialize(state.entry);
        for (auto const& m : state.messages) all += json::serialize(m);
        auto const* number = at(*state.message(last), "/x_more/number");
        s.expect(!number || *number == 5551234567, "numbers stay", number ? show(*number) : "");
    }
    for (auto const& [where, what] : hidden) s.expect(all.find(what) == std::string::npos, where + " is redacted", quoted(what) + " is " + o.how());
    s.evidence("a redacted conversation " + o.how());
}

template <class Onlooker>
void names_stay(scenario& s) {
    Onlooker o{s};
    auto const c = s.fresh("c") + "@" + s.canary(6) + ".example";
    auto const m = digits(s, 3) + "-" + digits(s, 3) + "-" + digits(s, 4), n = any_ssn(s), k = any_email(s);
    std::string const when = s.at(std::chrono::milliseconds{-1'234});
    edit const written = [&](json::object& o2) { o2["timestamp"] = when; };
    s.control(o.source.push({s.conversation(c, 1, {s.message(m, any_email(s), 1, written), s.message(n, "plain", 1, written), s.message(k, "plain", 1, written)}, [&](json::object& o2) { o2["last_modified"] = when; })}),
              "a push of names that look like personal data");
    auto const after = s.fresh("after");
    s.control(o.source.push({s.conversation(after, 1, {s.message("m1", "plain")})}), "a push after it");
    (void)o.sees(after, "m1");
    auto const state = o.may_see(c, {m, n, k});
    s.expect(state.present, "the conversation_id " + c + " stays as it is", "there is no such conversation " + o.how());
    for (auto const& id : {m, n, k}) {
        s.expect(state.message(id) != nullptr, "the id " + id + " stays as it is", "there is no such message " + o.how());
        s.expect(text_at(*state.message(id), "/timestamp") == when, "timestamp stays as it is: " + when, text_at(*state.message(id), "/timestamp"));
        s.expect(text_at(*state.message(id), "/surface") == "web", "surface stays as it is: web", text_at(*state.message(id), "/surface"));
    }
    s.expect(text_at(state.entry, "/last_modified") == when, "last_modified stays as it is: " + when, text_at(state.entry, "/last_modified"));
    s.evidence("names that look like personal data " + o.how());
}

template <class Onlooker>
void labels_stay(scenario& s) {
    Onlooker o{s};
    auto const c = s.fresh("c"), role = "agent " + any_phone(s), origin = any_email(s), name = any_email(s);
    edit const labelled = [&](json::object& m) { m["role"] = role, m["source_backend"] = origin, m[name] = "plain", m["x_more"] = json::object{{name, "plain"}}; };
    s.control(o.source.push({s.conversation(c, 1, {s.message("m1", "mail " + any_email(s), 1, labelled)}, [&](json::object& o2) { o2["source_backend"] = origin; })}), "a push of labels that look like personal data");
    auto const state = o.sees(c, "m1");
    auto const* m = state.message("m1");
    s.control(m != nullptr, "the message comes " + o.how());
    s.expect(text_at(*m, "/role") == role, "role stays as it is: " + role, text_at(*m, "/role"));
    s.expect(text_at(*m, "/source_backend") == origin, "source_backend stays as it is: " + origin, text_at(*m, "/source_backend"));
    s.expect(m->contains(name), "the name of a member stays as it is: " + name, show(*m) + " " + o.how());
    s.expect(at(*m, "/x_more/" + name) != nullptr, "the name of a member of a member stays as it is: " + name, show(*m) + " " + o.how());
    s.expect(text_at(state.entry, "/source_backend") == origin, "source_backend of the conversation stays as it is: " + origin, text_at(state.entry, "/source_backend"));
    s.evidence("labels that look like personal data " + o.how());
}

template <class Onlooker>
void copies_are_marked(scenario& s) {
    Onlooker o{s};
    auto const c = s.fresh("c");
    std::string const when = s.at(std::chrono::milliseconds{-2'345});
    edit const noted = [&](json::object& m) { m["timestamp"] = when, m["x_note"] = json::array{any_phone(s)}; };
    s.control(o.source.push({s.conversation(c, 7, {s.message("by-content", "mail " + any_email(s), 5, [&](json::object& m) { m["timestamp"] = when; }), s.message("by-member", "plain", 6, noted),
                                            s.message("by-content-said-no", "mail " + any_email(s), 4, [&](json::object& m) { m["timestamp"] = when, m["redacted"] = false; })})}), "a push");
    auto const state = o.sees(c, "by-member");
    for (auto const& [id, version] : {std::pair{"by-content", 5}, std::pair{"by-member", 6}, std::pair{"by-content-said-no", 4}}) {
        auto const* m = state.message(id);
        s.control(m != nullptr, "the message comes " + o.how());
        s.expect(is_marked(*m), "a message that was altered has redacted true", show(*m) + " " + o.how());
        s.expect(integer_at(*m, "/version") == version, "the version stays " + std::to_string(version), std::to_string(integer_at(*m, "/version")));
        s.expect(text_at(*m, "/timestamp") == when, "the timestamp stays " + when, text_at(*m, "/timestamp"));
    }
    s.evidence("redacted messages " + o.how());
}

template <class Onlooker>
void wholes_are_not_marked(scenario& s) {
    Onlooker o{s};
    auto const c = s.fresh("c"), d = s.fresh("d");
    auto const titled = [&](std::string title) { return [title = std::move(title)](json::object& conversation) { conversation["title"] = title; }; };
    s.control(o.source.push({s.conversation(c, 1, {s.message("m1", "plain"), s.message("m2", any_email(s)), s.message("m3", "at 1735689600")}, titled("Trip")), s.conversation(d, 1, {s.message("m1", "plain")}, titled(any_email(s)))}), "a push");
    auto const first = o.sees(c, "m3"), second = o.sees(d, "m1");
    s.control(first.message("m1") && first.message("m3") && second.message("m1"), "the messages come " + o.how());
    for (auto const& id : {"m1", "m3"}) s.expect(!first.message(id)->contains("redacted"), "a message that was not altered has no member redacted", show(*first.message(id)) + " " + o.how());
    s.expect(!second.message("m1")->contains("redacted"), "a message has no member redacted because of the title", show(*second.message("m1")) + " " + o.how());
    s.expect(is_marked(second.entry.as_object()), "a conversation whose title was altered has redacted true", show(second.entry) + " " + o.how());
    s.evidence("messages " + o.how());
}

template <class Onlooker>
void redacted_stays_redacted(scenario& s) {
    Onlooker o{s};
    auto const items = items_that([](corpus_item const& i) { return i.is_required && !i.pii.empty(); });
    auto const once = seen_of(s, o, texts_of(items));
    auto const twice = seen_of(s, o, once);
    for (std::size_t i = 0; i < once.size(); ++i) s.expect(twice[i] == once[i], "redacting what was redacted changes nothing: " + quoted(once[i]), quoted(twice[i]) + " " + o.how());
    s.evidence("texts that were redacted before " + o.how());
}

template <class Onlooker>
void originals_stay(scenario& s) {
    Onlooker o{s};
    auto const c = s.fresh("c");
    std::string const content = "mail " + any_email(s) + ", call " + any_phone(s), title = "with " + any_email(s), note = any_card(s);
    s.control(o.user.write(c, content, [&](json::object& body) { body["id"] = "m1", body["title"] = title, body["x_note"] = note; }), "a write of the user");
    auto const before = o.user.read(c);
    s.control(before, "the user's reading of it");
    auto const seen = o.sees(c, "m1");
    s.control(seen.message("m1") != nullptr, "the message comes " + o.how());
    (void)o.sees(c, "m1");
    auto const after = o.user.read(c);
    s.control(after, "the user's reading of it again");
    auto const* m = find_by_id(after.body(), "/messages", "m1");
    s.expect(m && text_at(*m, "/content") == content, "the user is shown the content as it was written: " + quoted(content), text_of(m));
    s.expect(text_at(*m, "/x_note") == note, "the user is shown an unknown member as it was written: " + note, text_at(*m, "/x_note"));
    s.expect(after.text("/title") == title, "the user is shown the title as it was written: " + title, after.text("/title"));
    s.expect(!m->contains("redacted") && !after.at("/redacted"), "what the user is shown is not marked as redacted", show(*m));
    s.evidence("a conversation " + o.how() + " and as the user reads it");
}

template <class Onlooker>
void switched_off_is_off(scenario& s) {
    Onlooker o{s};
    set_redaction(s, o.user, o.account, false);
    auto const items = items_that([](corpus_item const& i) { return i.is_required && !i.pii.empty(); });
    auto const seen = seen_of(s, o, texts_of(items));
    set_redaction(s, o.user, o.account, true);
    each_item(s, items, seen, o.how(), [](corpus_item const& item, std::string const& got) { return std::pair{got == item.text, std::string{"with redact_pii false the text stays as it is"}}; });
    auto const again = seen_of(s, o, {"mail " + any_email(s)}).front();
    s.exactly(again == "mail [REDACTED_EMAIL]", "with redact_pii true again, \"mail [REDACTED_EMAIL]\"", quoted(again) + " " + o.how());
    s.evidence("texts " + o.how());
}

BSP_REDACTION_JUDGEMENTS(, pulling_onlooker);
BSP_REDACTION_JUDGEMENTS(, pushed_onlooker);

}  // namespace bsp::conformance
