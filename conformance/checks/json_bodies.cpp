#include "../registry.hpp"
#include "../scenario.hpp"
#include "odd_names.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/c14n.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <functional>

// Sections 1.3, 1.4 and 1.6 to 1.8: which bodies are accepted, which refused, and what the signed bytes are.

namespace bsp::conformance {
namespace {

constexpr std::int64_t greatest_integer = 9'007'199'254'740'991;
exactly_as const malformed{.statuses = {400, 422}, .codes = {"malformed-body", "invalid-body", "not-canonicalizable"}};

using respelling = std::function<std::string(std::string)>;

/// Replaces the first occurrence of `what` in a body's text. A check whose body lacks it is at fault itself.
respelling replace(std::string what, std::string with) {
    return [=](std::string text) {
        auto const at = text.find(what);
        if (at == std::string::npos) throw std::logic_error{"the body does not contain " + what};
        return text.replace(at, what.size(), with);
    };
}

std::vector<std::string> held(scenario& s, caller const& who, std::string const& conversation) {
    auto const x = who.read(conversation);
    s.control(x, "reading the conversation");
    return ids_at(x.body(), "/messages");
}

/// A push of one message with the content "@", spelled otherwise on the wire; the signature is over the
/// value that the spelling would have where it has one.
exchange push_spelled(scenario& s, peer const& a, std::string const& conversation, respelling const& respell, edit const& more = {}) {
    return a.push({s.conversation(conversation, 2, {s.message("m2", "@", 2, more)})}, {.bytes = respell});
}

struct spelling {
    std::string what;
    respelling respell;
};

/// The same spelling in a local write, where it has a meaning there.
void writes_are_refused(scenario& s, std::string const& conversation, std::vector<spelling> const& spellings, exactly_as const& exact) {
    auto const who = s.user();
    std::string const body = json::serialize(json::object{{"content", "@"}, {"id", "m3"}, {"role", "user"}, {"surface", "web"}});
    for (auto const& v : spellings) {
        std::optional<std::string> text;
        try {
            text = v.respell(body);
        } catch (std::logic_error const&) {
            continue;
        }
        s.refused(who.call("POST", "/conversations/" + conversation + "/messages", *text), "a local write with " + v.what, exact);
    }
}

/// Each spelling of a push is refused as a body, of a local write where it has a meaning there, and of a registration, too;
/// nothing of it is stored.
void bodies_are_refused(scenario& s, std::vector<spelling> const& of_push, std::vector<spelling> const& of_registration, exactly_as const& exact) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "fine")})}), "a well-formed push");
    for (auto const& v : of_push) s.refused(push_spelled(s, a, c, v.respell), "a push with " + v.what, exact);
    writes_are_refused(s, c, of_push, exact);
    for (auto const& v : of_registration) {
        auto const r = s.settled();
        auto hostile = r;
        hostile.bytes = v.respell;
        s.refused(s.try_register(hostile), "a registration with " + v.what, exact);
        s.control(s.try_register(r), "the same registration, well-formed");
    }
    s.still_alive("malformed bodies");
    s.expect(held(s, a, c) == std::vector<std::string>{"m1"}, "m1 alone", show(held(s, a, c)));
}

respelling const content_is(std::string const& json_text) { return replace(R"("content":"@")", "\"content\":" + json_text); }

void malformed_json_is_refused(scenario& s) {
    auto const whole = [](std::string text) { return [text = std::move(text)](std::string) { return text; }; };
    std::vector<spelling> const both{{"an empty body", whole("")},          {"the body {", whole("{")},
                                     {"the body }", whole("}")},            {"the word hello", whole("hello")},
                                     {"a body cut in the middle", [](std::string t) { return t.substr(0, t.size() / 2); }},
                                     {"a body cut by one character", [](std::string t) { return t.substr(0, t.size() - 1); }},
                                     {"two JSON texts", [](std::string t) { return t + t; }},
                                     {"a trailing comma", [](std::string t) { return t.insert(t.size() - 1, ","); }},
                                     {"a comment", [](std::string t) { return t.insert(1, "/* x */"); }},
                                     {"single quotes", whole("{'sync_id': 'x'}")},
                                     {"a NUL octet", [](std::string t) { return t + std::string(1, '\0'); }},
                                     {"the body null", whole("null")},      {"the body []", whole("[]")},
                                     {"the body \"text\"", whole("\"text\"")}, {"the body 5", whole("5")}};
    // A push that is no object has no signature either, so 401 is as good.
    bodies_are_refused(s, both, both, {.statuses = {400, 401, 422}});
    std::vector<spelling> const strings{{"a raw line feed in a string", content_is("\"a\nb\"")}, {"an unknown escape", content_is(R"("\x41")")},
                                        {"a cut escape", content_is(R"("\u12")")}, {"a leading zero", content_is("01")}, {"a leading plus", content_is("+1")}};
    bodies_are_refused(s, strings, {}, malformed);
}

void deep_json_is_refused(scenario& s) {
    std::string const open(10'000, '['), close(10'000, ']');
    std::string objects;
    for (int i = 0; i < 10'000; ++i) objects += R"({"a":)";
    auto const deep = [&](std::string const& text) { return [text](std::string t) { return t.insert(1, "\"x-deep\":" + text + ","); }; };
    std::vector<spelling> const both{{"10,000 nested arrays", deep(open + close)}, {"10,000 nested objects", deep(objects + "1" + std::string(10'000, '}'))},
                                     {"100,000 opened arrays", deep(std::string(100'000, '['))}};
    bodies_are_refused(s, both, both, {.statuses = {400, 413, 422}});
}

void depth_32_is_accepted(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    // payload 1, conversations 2, conversation 3, messages 4, message 5: 27 more levels make 32.
    json::value nested = "bottom";
    for (int i = 0; i < 27; ++i) nested = json::array{nested};
    auto const x = a.push({s.conversation(c, 1, {s.message("m1", "x", 1, [&](json::object& m) { m["x-deep"] = nested; })})});
    s.accepted(x, "a push nested 32 levels deep");
    auto const y = a.read(c);
    s.control(y, "reading the conversation");
    s.expect_same("the nested member", nested, y.at("/messages/0/x-deep"));
}

void duplicate_names_are_refused(scenario& s) {
    bodies_are_refused(s,
                       {{"a name twice at the top", replace(R"("sync_id":)", R"("sync_id":"other","sync_id":)")},
                        {"a name twice in a message", content_is(R"("@","content":"@")")},
                        {"a name twice in a message, once with an escape", content_is(R"("@","\u0063ontent":"other")")},
                        {"an unknown name twice", content_is(R"("@","x-a":1,"x-a":1)")}, {"a name twice in a nested object", content_is(R"("@","x-a":{"b":1,"b":1})")},
                        {"the empty name twice", content_is(R"("@","":1,"":2)")}},
                       {{"user_id twice", [](std::string t) { return replace("\"user_id\":", "\"user_id\":\"eve\",\"user_id\":")(t); }},
                        {"user_id twice, once with an escape", [](std::string t) { return replace("\"user_id\":", "\"user\\u005fid\":\"eve\",\"user_id\":")(t); }},
                        {"sbt twice", [](std::string t) { return t.insert(1, R"("sbt":{},)"); }}},
                       malformed);
}

void non_finite_literals_are_refused(scenario& s) {
    std::vector<spelling> of_push, of_registration;
    for (std::string const literal : {"NaN", "Infinity", "-Infinity", "nan", "inf"}) {
        of_push.push_back({literal, content_is("\"@\",\"x-cost\":" + literal)});
        of_registration.push_back({literal, [literal](std::string t) { return t.insert(1, "\"x-cost\":" + literal + ","); }});
    }
    bodies_are_refused(s, of_push, of_registration, malformed);
}

void numbers_beyond_double_are_refused(scenario& s) {
    std::vector<spelling> of_registration;
    for (std::string const literal : {"1e999", "-1e400", "1.5e9999999999"})
        of_registration.push_back({literal, [literal](std::string t) { return t.insert(1, "\"x-cost\":" + literal + ","); }});
    bodies_are_refused(s, {}, of_registration, malformed);
}

void lone_surrogates_are_refused(scenario& s) {
    bodies_are_refused(s,
                       {{"a lone high surrogate", content_is(R"("a\ud800b")")}, {"a lone low surrogate", content_is(R"("\udc00")")},
                        {"surrogates in the wrong order", content_is(R"("\udc00\ud800")")}, {"two high surrogates", content_is(R"("\ud83d\ud83d\ude00")")},
                        {"a lone low surrogate behind the text \\ud83d", content_is(R"("\\ud83d\ude00")")}, {"a lone high surrogate behind a backslash", content_is(R"("\\\ud83d")")},
                        {"a lone surrogate in a name", content_is(R"("@","x\udfff":1)")}},
                       {{"a lone surrogate in an unknown member", [](std::string t) { return t.insert(1, R"("x-a":"\ud800",)"); }}}, malformed);
}

void invalid_utf8_is_refused(scenario& s) {
    std::vector<spelling> of_push;
    for (auto const& [what, octets] : {std::pair<std::string, std::string>{"octet FF", "\xFF"}, {"a lone continuation octet", "\x80"}, {"an overlong slash", "\xC0\xAF"},
                                       {"an overlong NUL", "\xC0\x80"}, {"an encoded surrogate", "\xED\xA0\x80"}, {"a cut sequence", "\xE2\x82"},
                                       {"a code point beyond U+10FFFF", "\xF4\x90\x80\x80"}, {"Latin-1", "J\xF6rg"}})
        of_push.push_back({what, content_is("\"" + octets + "\"")});
    bodies_are_refused(s, of_push, {{"octet FF", [](std::string t) { return t.insert(1, "\"x-a\":\"\xFF\","); }}}, malformed);
}

void huge_integers_are_refused(scenario& s) {
    std::string const huge(5'000, '9');
    auto const version = [&](std::string const& literal) { return replace(R"("version":2)", "\"version\":" + literal); };
    bodies_are_refused(s, {{"a version of 5,000 digits", version(huge)}, {"an unknown member of 5,000 digits", content_is("\"@\",\"x-count\":-" + huge)},
                           {"a version of 2^64", version("18446744073709551616")}},
                       {{"a member of 5,000 digits", [huge](std::string t) { return replace("\"version\":", "\"version\":" + huge + ",\"x\":")(t); }}}, malformed);
}

// ---- types ------------------------------------------------------------------------------------------------

/// Pushes that differ from an accepted one in one member of the conversation or the message, correctly signed.
struct typed {
    std::string what;
    edit message = {};
    edit conversation = {};
    edit payload = {};
};

edit set(std::string name, json::value value) {
    return [name = std::move(name), value = std::move(value)](json::object& o) { o[name] = value; };
}

void each_is_refused(scenario& s, std::vector<typed> const& variants, exactly_as const& exact) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "fine")})}), "a valid push");
    for (auto const& v : variants) {
        auto const other = s.fresh("c");
        s.refused(a.push({s.conversation(c, 2, {s.message("m2", "x", 2, v.message)}, v.conversation), s.conversation(other, 1, {s.message("m1", "beside")})},
                         {.before_signing = v.payload}),
                  "a push with " + v.what, exact);
        auto const beside = a.read(other);
        s.expect(beside.status() == 404 || beside.status() == 410, "nothing of the refused push is stored", beside.describe());
    }
    s.expect(held(s, a, c) == std::vector<std::string>{"m1"}, "m1 alone", show(held(s, a, c)));
    s.control(a.push({s.conversation(c, 2, {s.message("m2", "fine", 2)})}), "a valid push, afterwards");
}

void types_are_not_converted(scenario& s) {
    each_is_refused(s,
                    {{"version \"4\"", set("version", "4")}, {"version true", set("version", true)}, {"version []", set("version", json::array{})},
                     {"content 5", set("content", 5)}, {"content true", set("content", true)}, {"content {}", set("content", json::object{})},
                     {"role 1", set("role", 1)}, {"timestamp 1735603200", set("timestamp", 1'735'603'200)}, {"surface false", set("surface", false)},
                     {"source_backend 7", set("source_backend", 7)}, {"id 5", set("id", 5)}, {"deleted 1", set("deleted", 1)}, {"deleted \"true\"", set("deleted", "true")},
                     {"redacted 0", set("redacted", 0)}, {"conversation version \"4\"", {}, set("version", "4")}, {"title 5", {}, set("title", 5)},
                     {"surfaces \"web\"", {}, set("surfaces", "web")}, {"surfaces [1]", {}, set("surfaces", json::array{1})},
                     {"messages {}", {}, set("messages", json::object{})}, {"messages [5]", {}, set("messages", json::array{5})},
                     {"last_modified 0", {}, set("last_modified", 0)}, {"deleted \"false\" on a conversation", {}, set("deleted", "false")},
                     {"sync_id 5", {}, {}, set("sync_id", 5)}, {"conversations {}", {}, {}, set("conversations", json::object{})},
                     {"conversations \"\"", {}, {}, set("conversations", "")}},
                    {.statuses = {400, 422}, .codes = {"invalid-body", "malformed-body"}});
}

void null_is_not_absent(scenario& s) {
    std::vector<typed> variants;
    for (auto const* name : {"id", "role", "content", "timestamp", "surface", "source_backend", "version", "deleted", "redacted"})
        variants.push_back({std::string{name} + " null in a message", set(name, nullptr)});
    for (auto const* name : {"version", "messages", "surfaces", "last_modified", "source_backend", "title", "deleted"})
        variants.push_back({std::string{name} + " null in a conversation", {}, set(name, nullptr)});
    for (auto const* name : {"sync_id", "timestamp", "conversations", "peer_id"}) variants.push_back({std::string{name} + " null", {}, {}, set(name, nullptr)});
    each_is_refused(s, variants, {.statuses = {400, 401, 403, 422}});
}

/// A number as it stands in the body, and as a verifier that ought to refuse it might write it into the
/// signed bytes.
struct number_spelling {
    char const* literal;
    std::vector<char const*> signed_as;
};

/// Pushes `message`, in which the number `placeholder` stands for the literal, with a signature over the
/// bytes that have `signed_as` in its place.
exchange push_with_number(scenario& s, peer const& a, std::string const& conversation, json::object const& message, std::int64_t placeholder, std::string const& literal,
                          std::string const& signed_as) {
    auto payload = a.payload({s.conversation(conversation, 2, {message})}, {.sign = false});
    auto const put = replace(std::to_string(placeholder), literal);
    auto const signed_bytes = replace(std::to_string(placeholder), signed_as)(bsp::json::canonicalize(payload).value());
    payload["signature"] = to_base64(a.sign(signed_bytes));
    return s.send({.method = "POST", .target = s.target_path("/sync/" + a.peer_id()), .headers = {{"Content-Type", "application/json"}}, .body = put(boost::json::serialize(payload)), .remote = {}},
                  a.name());
}

constexpr std::int64_t placeholder = 7'654'321'012'345'678;
exactly_as const no_canonical_form{.statuses = {400, 401, 422}, .codes = {"not-canonicalizable", "invalid-signature", "invalid-body", "malformed-body"}};

void integers_have_no_fraction(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(push_with_number(s, a, c, s.message("m1", "fine", placeholder), placeholder, "4", "4"), "version 4");
    for (auto const& n : {number_spelling{"5.0", {"5", "5.0"}}, {"5e0", {"5", "5.0", "5e0"}}, {"50e-1", {"5", "5.0"}}, {"5.5", {"5", "5.5"}}, {"0.5E1", {"5", "5.0"}}})
        for (auto const* signed_as : n.signed_as)
            s.refused(push_with_number(s, a, c, s.message("m2", "@", placeholder), placeholder, n.literal, signed_as), std::string{"version "} + n.literal + ", signed as " + signed_as,
                      no_canonical_form);
    s.expect(held(s, a, c) == std::vector<std::string>{"m1"}, "m1 alone", show(held(s, a, c)));
}

void signed_numbers_are_integers(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const at_bounds = json::array{greatest_integer, -greatest_integer, 0, -1};
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "fine", 1, set("x-count", at_bounds))})}), "integers up to 2^53-1 in an unknown member");
    auto const y = a.read(c);
    s.control(y, "reading the conversation");
    s.expect_same("the unknown member", at_bounds, y.at("/messages/0/x-count"));
    auto const message = s.message("m2", "@", 2, set("x-count", placeholder));
    for (auto const& n : {number_spelling{"1.0", {"1", "1.0"}}, {"1e3", {"1000", "1000.0", "1e3"}}, {"-0", {"0", "-0", "-0.0"}}, {"0.0", {"0", "0.0"}}, {"1.5", {"1.5", "2", "1"}},
                          {"9007199254740992", {"9007199254740992"}}, {"-9007199254740992", {"-9007199254740992"}}, {"9007199254740993", {"9007199254740993", "9007199254740992"}},
                          {"123456789012345678901234567890", {"123456789012345678901234567890", "1.2345678901234568e+29"}}})
        for (auto const* signed_as : n.signed_as)
            s.refused(push_with_number(s, a, c, message, placeholder, n.literal, signed_as), std::string{"the number "} + n.literal + " in a signed object, signed as " + signed_as,
                      no_canonical_form);
    s.expect(held(s, a, c) == std::vector<std::string>{"m1"}, "m1 alone", show(held(s, a, c)));
}

void unknown_members_are_accepted(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    json::object const extra{{"a", 1}, {"b", json::array{"x", nullptr, false}}};
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "x", 1, set("x-message", extra))}, set("x-conversation", extra))}, {.before_signing = set("x-payload", extra)}),
               "a push with unknown members at every level");
    auto r = s.settled();
    r.body = set("x-body", extra);
    r.identity = set("x-identity", extra);
    s.accepted(s.try_register(r), "a registration with unknown members");
}

void member_order_does_not_matter(scenario& s) {
    auto const a = s.register_peer();
    auto const reversed = [](std::string text) {
        // The order of members is turned round at every level of the parsed body.
        std::function<json::value(json::value const&)> turn = [&](json::value const& v) -> json::value {
            if (v.is_array()) {
                json::array out;
                for (auto const& e : v.as_array()) out.push_back(turn(e));
                return out;
            }
            if (!v.is_object()) return v;
            json::object out;
            std::vector<json::object::value_type const*> members;
            for (auto const& m : v.as_object()) members.push_back(&m);
            for (auto m = members.rbegin(); m != members.rend(); ++m) out.emplace((*m)->key(), turn((*m)->value()));
            return out;
        };
        return boost::json::serialize(turn(boost::json::parse(text)));
    };
    auto const c = s.fresh("c");
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "x")})}, {.bytes = reversed}), "a push whose members come in reverse order");
    auto r = s.settled();
    r.bytes = reversed;
    s.accepted(s.try_register(r), "a registration whose members come in reverse order");
}

void spellings_of_strings_do_not_matter(scenario& s) {
    auto const a = s.register_peer();
    struct row { char const* what; char const* json; char const* value; };
    for (auto const& r : {row{"\\/ for /", R"("a\/b")", "a/b"}, {"\\u002F for /", R"("a\u002Fb")", "a/b"}, {"\\u00E9 in capitals", R"("caf\u00E9")", "caf\xC3\xA9"},
                          {"\\u0041 for A", R"("\u0041")", "A"}, {"an escaped surrogate pair", R"("\uD83D\uDE00")", "\xF0\x9F\x98\x80"},
                          {"the text \\ud83d, its backslash escaped", R"("x\\ud83d")", "x\\ud83d"}, {"the text \\ude00, its backslash as \\u005c", R"("x\u005cude00")", "x\\ude00"},
                          {"a backslash and a surrogate pair", R"("\\\ud83d\ude00")", "\\\xF0\x9F\x98\x80"}, {"two backslashes and the text udc00", R"("\\\\udc00")", "\\\\udc00"},
                          {"raw UTF-8", "\"\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80\"", "\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80"}, {"\\u007f for DEL", R"("\u007f")", "\x7F"}}) {
        auto const c = s.fresh("c");
        auto payload = s.conversation(c, 1, {s.message("m1", r.value)});
        auto const x = a.push({payload}, {.bytes = [&](std::string text) {
            auto const from = text.find("\"content\":") + 10;
            auto to = from + 1;
            while (text[to] != '"') to += text[to] == '\\' ? 2 : 1;
            return text.replace(from, to + 1 - from, r.json);
        }});
        s.accepted(x, std::string{"a content spelled with "} + r.what);
        auto const y = a.read(c);
        s.control(y, "reading the conversation");
        s.expect(y.text("/messages/0/content") == r.value, "the same content", show(json::value(y.text("/messages/0/content"))));
    }
    auto const c = s.fresh("c");
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "x")})}, {.bytes = [](std::string text) {
                   std::string spaced;
                   bool inside = false;
                   for (std::size_t i = 0; i < text.size(); ++i) {
                       if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) inside = !inside;
                       spaced += text[i];
                       if (!inside && (text[i] == ',' || text[i] == ':' || text[i] == '{')) spaced += "\r\n\t ";
                   }
                   return spaced;
               }}),
               "a body with white space between its tokens");
}

void names_sort_by_code_point(scenario& s) {
    auto const a = s.register_peer();
    // U+E000 sorts before U+1F600 by code point and after it by UTF-16 code unit.
    auto const c = s.fresh("c");
    s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "x", 1, [](json::object& m) {
                                           for (auto const* name : {"\xEE\x80\x80", "\xF0\x9F\x98\x80", "\xEF\xBF\xBD", "Z", "a", "\xC3\xA9", "", " ", "~", "a b", "aa", "\x7F", "\"", "\\"})
                                               m[name] = 1;
                                           for (auto const name : odd_names) m[name] = 1;
                                       })})}),
               "a signed message with names that sort differently by UTF-16, without case or by locale");
    s.accepted(a.push({s.conversation(c, 2, {s.message("m2", "x", 2, [](json::object& m) {
                                           for (auto const* name : {"1", "2", "9", "10", "19", "100", "099"}) m[name] = json::object{{"9", 1}, {"10", 1}};
                                       })})}),
               "a signed message with names that sort differently as numbers");
}

void escapes_are_canonical(scenario& s) {
    auto const a = s.register_peer();
    std::string controls;
    for (char ch = 1; ch < 32; ++ch) controls += ch;
    struct row { char const* what; std::string content; };
    for (auto const& r : {row{"DEL", "a\x7F"}, {"U+2028 and U+2029", "\xE2\x80\xA8\xE2\x80\xA9"}, {"an emoji of several code points", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB"},
                          {"every control character", controls}, {"quotes, backslashes and slashes", "\"\\/</script>"}, {"U+0080 and U+FFFD", "\xC2\x80\xEF\xBF\xBD"},
                          {"U+10FFFF and U+FFFF", "\xF4\x8F\xBF\xBD\xEF\xBF\xBC"}, {"combining marks", "e\xCC\x81\xCC\xA7"}}) {
        auto const c = s.fresh("c");
        s.accepted(a.push({s.conversation(c, 1, {s.message("m1", r.content)})}), std::string{"a signed content with "} + r.what);
    }
}

// ---- identifiers and timestamps ---------------------------------------------------------------------------

void identifiers_are_accepted(scenario& s) {
    auto const a = s.register_peer();
    auto const tail = s.fresh("x");
    std::string longest = tail;
    longest.resize(128, 'z');
    for (auto const& id : {longest, "." + tail, "~" + tail, tail + ":b@c", "test_" + tail, "local_" + tail, "-" + tail, "..." + tail, "peer_" + tail, "0" + tail, tail + "%"}) {
        if (id.back() == '%') continue;
        s.accepted(a.push({s.conversation(id, 1, {s.message(id, "x")})}, {.sync_id = id}), "conversation_id, id and sync_id " + id);
        auto const x = a.read(id);
        s.accepted(x, "reading " + id);
        s.expect(x.text("/conversation_id") == id, "conversation_id " + id, x.text("/conversation_id"));
        s.expect(ids_at(x.body(), "/messages") == std::vector<std::string>{id}, "the message " + id, show(ids_at(x.body(), "/messages")));
    }
    for (auto const* id : {"metrics", "main", "digest", "null", "messages", "conversations", "admin", "a", "-", "~", "..."}) {
        s.accepted(a.push({s.conversation(s.fresh("c"), 1, {s.message(id, "x")})}), std::string{"a message with the id "} + id);
        s.accepted(a.push({s.conversation(id, 1, {s.message(s.fresh("m"), "x")})}), std::string{"a conversation with the id "} + id);
        s.accepted(a.read(id), std::string{"reading the conversation "} + id);
    }
}

void identifiers_are_refused(scenario& s) {
    std::vector<std::string> bad{"", " ", ".", "..", "a b", "a/b", "../../etc/passwd", "a\\b", "caf\xC3\xA9", "a\nb", std::string("a\0b", 3), "a%2fb", "a+b", "a#b", "a?b", std::string(129, 'x')};
    std::vector<typed> variants;
    for (auto const& id : bad) {
        auto const shown = id.size() > 40 ? "of 129 characters" : show(json::value(id));
        variants.push_back({"the message id " + shown, set("id", json::value(id))});
        variants.push_back({"the conversation_id " + shown, {}, set("conversation_id", json::value(id))});
    }
    for (auto const& id : {std::string{}, std::string{"a b"}, std::string{".."}, std::string(129, 'x')}) variants.push_back({"the sync_id " + id.substr(0, 10), {}, {}, set("sync_id", json::value(id))});
    each_is_refused(s, variants, {.statuses = {400, 422}, .codes = {"invalid-body", "malformed-body"}});
}

void timestamps_are_accepted(scenario& s) {
    auto const a = s.register_peer();
    for (auto const* text : {"2025-03-04T05:06:07Z", "2025-03-04T05:06:07.1Z", "2025-03-04T05:06:07.123456789Z", "2025-03-04t05:06:07z", "2025-03-04T05:06:07", "2025-03-04T05:06:07.123456",
                             "2025-03-04T05:06:07+00:00", "2025-03-04T05:06:07-00:00", "2025-03-04T05:06:07+23:59", "2025-03-04T05:06:07-12:00", "2024-02-29T00:00:00Z", "2016-12-31T23:59:60Z",
                             "2017-01-01T00:59:60+01:00", "1999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z", "2000-02-29T23:59:59+05:45"}) {
        if (!s.keeps(text)) continue;
        auto const c = s.fresh("c");
        s.accepted(a.push({s.conversation(c, 1, {s.message("m1", "x", 1, set("timestamp", text))}, set("last_modified", text))}), std::string{"the timestamp "} + text);
        auto const x = a.read(c);
        s.control(x, "reading the conversation");
        s.expect(x.text("/messages/0/timestamp") == text && x.text("/last_modified") == text, std::string{"the timestamps as written: "} + text,
                 x.text("/messages/0/timestamp") + " and " + x.text("/last_modified"));
    }
}

void each_timestamp_is_refused(scenario& s, std::initializer_list<char const*> texts) {
    std::vector<typed> variants;
    for (auto const* text : texts) {
        variants.push_back({std::string{"the message timestamp \""} + text + "\"", set("timestamp", text)});
        variants.push_back({std::string{"last_modified \""} + text + "\"", {}, set("last_modified", text)});
    }
    each_is_refused(s, {variants.begin(), variants.begin() + static_cast<std::ptrdiff_t>(variants.size() / 2)}, {.statuses = {400, 422}, .codes = {"invalid-body", "malformed-body"}});
    each_is_refused(s, {variants.begin() + static_cast<std::ptrdiff_t>(variants.size() / 2), variants.end()}, {.statuses = {400, 422}, .codes = {"invalid-body", "malformed-body"}});
}

void timestamps_are_refused(scenario& s) {
    each_timestamp_is_refused(s, {"", "2025-03-04", "20250304T050607Z", "2025-W10-2T05:06:07Z", "2025-063T05:06:07Z", "2025-03-04T05:06:07.1234567890Z", "2025-03-04T24:00:00Z", "2025-02-29T00:00:00Z",
                                  "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-04-31T00:00:00Z", "2025-03-04T05:60:07Z", "2025-03-04T05:06:61Z", "2025-03-04T05:06:07+24:00", "2025-03-04T05:06:07ZZ",
                                  "25-03-04T05:06:07Z", "+2025-03-04T05:06:07Z", "now", "1741064767"});
}

/// What a lenient parser understands, and another one refuses.
void near_timestamps_are_refused(scenario& s) {
    each_timestamp_is_refused(s, {"2025-03-04 05:06:07Z", "2025-03-04T05:06Z", "2025-03-04T05:06:07.Z", "2025-03-04T05:06:07,5Z", "2025-03-04T05:06:07+0100", "2025-03-04T05:06:07+01", "2025-03-04T05:06:07 Z",
                                  " 2025-03-04T05:06:07Z", "2025-03-04T05:06:07Z ", "2025-3-4T05:06:07Z", "2025-03-04T05:06:07[Europe/Paris]"});
    auto const a = s.register_peer();
    for (char const* raw : {"2025-12-31%2000:00:00Z", "2025-12-31T00:00Z", "2025-12-31T00:00:00,5Z", "2025-12-31T00:00:00%2B0200"})
        s.refused(a.get("/sync/" + a.peer_id() + "?since=" + raw), std::string{"a pull with since="} + raw, {.statuses = {400}});
}

check const checks[] = {
    {.id = "gen/malformed-json", .title = "a body that is not JSON, or not an object, is refused", .clauses = {"BSP-GEN-018", "BSP-GEN-012", "BSP-GEN-025", "BSP-GEN-082"},
     .impact = "one bad request takes a worker down, or half of a body is stored", .likely_cause = "the parser's exception reaches the framework", .run = malformed_json_is_refused},
    {.id = "gen/deep-json", .title = "JSON nested beyond the server's limit is refused, and the server lives on", .clauses = {"BSP-GEN-078", "BSP-GEN-012", "BSP-GEN-013"},
     .impact = "anybody can crash the backend with one request", .likely_cause = "a recursive parser without a depth limit", .run = deep_json_is_refused},
    {.id = "gen/depth-32", .title = "JSON nested 32 levels deep is accepted", .clauses = {"BSP-GEN-071"}, .impact = "messages with rich extension members cannot be synced",
     .likely_cause = "a depth limit counted from another level, or lower", .run = depth_32_is_accepted},
    {.id = "gen/duplicate-members", .title = "an object with two members of one name is refused", .clauses = {"BSP-GEN-020"},
     .impact = "the signature is checked over one value and another one is stored", .likely_cause = "the JSON library keeps the last of the duplicates", .run = duplicate_names_are_refused},
    {.id = "gen/non-finite-literals", .title = "NaN and Infinity are refused", .clauses = {"BSP-GEN-022"}, .impact = "the backend answers with bodies that no JSON parser reads",
     .likely_cause = "the JSON library's default (Python's json, for one)", .run = non_finite_literals_are_refused},
    {.id = "gen/number-range", .title = "a number beyond the range of a double is refused", .clauses = {"BSP-GEN-023"}, .impact = "it comes back as Infinity, or as another number",
     .likely_cause = "the parser turns it into infinity", .run = numbers_beyond_double_are_refused},
    {.id = "gen/lone-surrogate", .title = "a lone surrogate is refused", .clauses = {"BSP-GEN-021"}, .impact = "text changes on its way, or a worker fails on output",
     .likely_cause = "the parser passes surrogates on, and the encoder fails or replaces them", .run = lone_surrogates_are_refused},
    {.id = "gen/invalid-utf8", .title = "a body that is not UTF-8 is refused", .clauses = {"BSP-GEN-019"}, .impact = "text changes on its way, or one request takes a worker down",
     .likely_cause = "decoding with replacement, or an uncaught decoding error", .run = invalid_utf8_is_refused},
    {.id = "gen/big-integer", .title = "an integer that cannot be represented is refused", .clauses = {"BSP-GEN-079", "BSP-GEN-012"}, .impact = "one request takes a worker down",
     .likely_cause = "an uncaught conversion error, or rounding to a double", .run = huge_integers_are_refused},
    {.id = "gen/no-coercion", .title = "values of another JSON type are not converted", .clauses = {"BSP-GEN-027", "BSP-SYN-003"}, .impact = "two backends store different values under one signature",
     .likely_cause = "a lax validation mode", .run = types_are_not_converted},
    {.id = "gen/null-is-not-absent", .title = "null is refused where the description does not allow it", .clauses = {"BSP-GEN-029", "BSP-SYN-003"}, .impact = "messages without a text or a time are stored and passed on",
     .likely_cause = "optional and nullable are one thing in the validation library", .run = null_is_not_absent},
    {.id = "gen/integer-spelling", .title = "an integer written with fraction or exponent is refused", .clauses = {"BSP-GEN-028", "BSP-GEN-035"},
     .impact = "backends in other languages compute other signed bytes", .likely_cause = "the parser makes 4 of 4.0", .run = integers_have_no_fraction},
    {.id = "gen/signed-numbers", .title = "a signed object holds integers of at most 53 bits only", .clauses = {"BSP-GEN-034", "BSP-GEN-035"},
     .impact = "a payload verifies on one backend and fails on the next", .likely_cause = "numbers are printed by the language's default", .run = signed_numbers_are_integers},
    {.id = "gen/unknown-members", .title = "unknown members are accepted at every level", .clauses = {"BSP-GEN-067", "BSP-AUT-012"}, .impact = "newer backends cannot sync with this one",
     .likely_cause = "a closed schema", .run = unknown_members_are_accepted},
    {.id = "gen/member-order", .title = "the order of members does not matter", .clauses = {"BSP-GEN-030"}, .impact = "clients in languages with unordered maps cannot sync",
     .likely_cause = "the signature is verified over the text as it came", .run = member_order_does_not_matter},
    {.id = "gen/string-spellings", .title = "the spelling of strings and white space does not matter", .clauses = {"BSP-GEN-031", "BSP-GEN-036"}, .impact = "Swift and PHP clients, which write \\/, cannot sync",
     .likely_cause = "the signature is verified over the text as it came", .run = spellings_of_strings_do_not_matter},
    {.id = "gen/c14n-names", .title = "canonical bytes have members in the order of code points", .clauses = {"BSP-GEN-033"}, .impact = "signatures over messages with unusual names fail",
     .likely_cause = "names sorted by UTF-16 code units, as in RFC 8785 and in JavaScript", .run = names_sort_by_code_point},
    {.id = "gen/c14n-escapes", .title = "canonical bytes escape everything outside U+0020 to U+007E", .clauses = {"BSP-GEN-033"}, .impact = "signatures over messages in most of the world's languages fail",
     .likely_cause = "raw UTF-8, or DEL left raw, in the signed bytes", .run = escapes_are_canonical},
    {.id = "gen/identifiers-accepted", .title = "every identifier of the grammar is accepted and kept", .clauses = {"BSP-GEN-059", "BSP-GEN-061", "BSP-GEN-056"}, .impact = "conversations of other backends cannot be synced",
     .likely_cause = "a narrower pattern, a shorter column, or words with a meaning of their own", .run = identifiers_are_accepted},
    {.id = "gen/identifiers-refused", .title = "what is no identifier is refused and stores nothing", .clauses = {"BSP-GEN-057"}, .impact = "an id becomes a path in the file system or a second conversation",
     .likely_cause = "ids are not validated, or trimmed first", .run = identifiers_are_refused},
    {.id = "gen/timestamps-accepted", .title = "every timestamp of the grammar is accepted and kept", .clauses = {"BSP-GEN-051", "BSP-GEN-052", "BSP-GEN-053", "BSP-GEN-056"},
     .impact = "devices of one platform or time zone cannot sync", .likely_cause = "a library's own idea of ISO 8601", .run = timestamps_are_accepted},
    {.id = "gen/timestamps-refused", .title = "what is no timestamp is refused and stores nothing", .clauses = {"BSP-GEN-054"}, .impact = "messages are ordered differently by different backends",
     .likely_cause = "a lenient date parser", .run = timestamps_are_refused},
    {.id = "gen/timestamps-nearly", .title = "what is nearly a timestamp is refused, too", .clauses = {"BSP-GEN-116"}, .impact = "a backend with another parser refuses what this one passed on",
     .likely_cause = "the date parser of the language's library", .run = near_timestamps_are_refused, .strength = obligation::should},
};

}  // namespace

group json_bodies_group() { return {"json_bodies", profile::gen, checks}; }

}  // namespace bsp::conformance
