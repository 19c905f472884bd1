#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"
#include "languages.hpp"

#include "../registry.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace bsp::conformance {

namespace {

/// A registration by a program of that language: token, identity and body as it would write them.
registration registration_from(scenario& s, language const& l) {
    auto r = s.settled();
    auto const at = [&s, &l](std::chrono::seconds offset) { return l.timestamp(s.now() + offset); };
    r.sbt = both(set("created_at", at({})), set("expires_at", at(std::chrono::hours{8})));
    r.identity = set("created_at", at(std::chrono::hours{-1}));
    r.bytes = [how = l.spelling](std::string text) { return spelled(boost::json::parse(text), how); };
    return r;
}

/// A push by such a program: all times, and the text, in its own spelling.
exchange push_from(scenario& s, language const& l, peer const& a, json::object conversation) {
    push_options o{.timestamp = l.timestamp(s.now())};
    o.bytes = [how = l.spelling](std::string text) { return spelled(boost::json::parse(text), how); };
    return a.push({std::move(conversation)}, o);
}

json::object conversation_from(scenario& s, language const& l, std::string const& id, std::string_view content) {
    auto const written = l.timestamp(s.now() - std::chrono::seconds{60});
    auto const m = s.message("m1", content, 1, both(set("timestamp", written), both(set("surface", std::string{l.surface}), set("source_backend", std::string{l.surface} + "_local"))));
    return s.conversation(id, 1, {m}, both(set("last_modified", written), set("surfaces", json::array{l.surface})));
}

/// Some program is understood: what this check refuses to believe of `l` is no fault of everybody's.
void somebody_is_understood(scenario& s) {
    exchange last = s.try_register(registration_from(s, javascript));
    for (auto const* l : {&swift, &python})
        if (!last.ok()) last = s.try_register(registration_from(s, *l));
    s.control(last, "a registration by some program");
}

constexpr std::string_view content = "\xC3\xA9/<a href='x'>&+ \xF0\x9F\x98\x80 \xE2\x80\xA8 \"q\" \\ \x7F";

void is_spoken(scenario& s, language const& l) {
    somebody_is_understood(s);
    std::string const name{l.name};
    auto const r = registration_from(s, l);
    auto const registered = s.try_register(r);
    s.accepted(registered, "a registration by a program in " + name);
    auto const a = s.peer_of(registered, r);
    auto const c = s.fresh("c");
    auto const sent = conversation_from(s, l, c, content);
    auto const before = l.timestamp(s.now() - std::chrono::seconds{30});
    s.accepted(push_from(s, l, a, sent), "a push by a program in " + name);

    auto const x = read(s, s.user(), c);
    json::value const stored(message_in(x, "m1"));
    s.expect_same("the message", sent.at("messages").as_array().at(0), &stored);

    json::object const body{{"role", "user"}, {"content", content}, {"surface", l.surface}, {"id", "m2"}, {"timestamp", l.timestamp(s.now())}};
    s.accepted(s.user().call("POST", "/conversations/" + c + "/messages", spelled(body, l.spelling)), "a local write by a program in " + name);

    auto const pulled = a.pull({.since = before, .limit = 500});
    s.accepted(pulled, "a pull with a since as " + name + " writes it");
}

void javascript_is_spoken(scenario& s) { is_spoken(s, javascript); }
void swift_is_spoken(scenario& s) { is_spoken(s, swift); }
void kotlin_is_spoken(scenario& s) { is_spoken(s, kotlin); }
void python_is_spoken(scenario& s) { is_spoken(s, python); }
void csharp_is_spoken(scenario& s) { is_spoken(s, csharp); }
void php_is_spoken(scenario& s) { is_spoken(s, php); }

void lower_case_is_time(scenario& s) {
    somebody_is_understood(s);
    static language const shouting_not{"lower case", "web", [](instant t) {
        auto text = timestamp_with(t, 3, "z");
        text[10] = 't';
        return text;
    }, {}};
    is_spoken(s, shouting_not);
}

void every_surface_is_welcome(scenario& s) {
    auto const a = s.register_peer();
    s.control(a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "a push from the web");
    for (std::string const surface : {"android", "ios", "extension", "watch", "CarPlay"}) {
        auto const c = s.fresh("c");
        auto const m = s.message("m1", "x", 1, both(set("surface", surface), set("source_backend", surface + "_local")));
        s.accepted(a.push({s.conversation(c, 1, {m}, both(set("surfaces", json::array{surface}), set("source_backend", surface + "_local")))}), "a push from " + surface);
        s.accepted(s.user().write(c, "y", set("surface", surface)), "a local write on " + surface);
        auto const stored = message_in(read(s, s.user(), c), "m1");
        s.expect(text_at(stored, "/surface") == surface && text_at(stored, "/source_backend") == surface + "_local", "the message keeps its surface and source_backend", show(stored));
    }
}

bool has_surface(json::value const& conversation, std::string_view surface) {
    auto const* all = at(conversation, "/surfaces");
    return all && all->is_array() && std::any_of(all->get_array().begin(), all->get_array().end(), [&](auto const& one) { return one.is_string() && json::view(one.get_string()) == surface; });
}

std::string surfaces_of(json::value const& conversation) {
    auto const* all = at(conversation, "/surfaces");
    return all ? show(*all) : "absent";
}

void from_phone_to_web_and_back(scenario& s) {
    auto const phone = s.register_peer();
    auto const c = s.fresh("trip");
    s.control(phone.push({s.conversation(c, 1, {s.message("m1", "Where to?", 1, set("surface", "ios"))}, set("surfaces", json::array{"ios"}))}), "a push from the phone");

    auto const page = read(s, s.user(), c);
    s.expect(has_surface(page.body(), "ios"), "the page sees ios among the surfaces", surfaces_of(page.body()));
    auto const listed = whole_list(s, s.user(), 500);
    auto const entry = std::find_if(listed.begin(), listed.end(), [&](auto const& o) { return text_at(o, "/conversation_id") == c; });
    s.expect(entry != listed.end(), "the page lists the conversation", "absent");
    s.expect(has_surface(*entry, "ios"), "the list has ios among its surfaces", surfaces_of(*entry));

    write(s, s.user(), c, "To the sea.", set("surface", "web"));
    auto const feed = recent_feed(s, phone);
    auto const* pulled = feed.find(c);
    s.expect(pulled != nullptr, "the phone pulls the conversation", "absent");
    s.expect(has_surface(*pulled, "ios") && has_surface(*pulled, "web"), "the phone sees ios and web among the surfaces", surfaces_of(*pulled));
}

/// Answers of every kind, and the names that each has by the specification.
struct named_answer {
    exchange x;
    std::string pointer;  ///< of the object with the names
    std::vector<std::string> names;
};

std::vector<named_answer> every_answer(scenario& s) {
    auto const registered_as = s.settled();
    auto const registered = s.try_register(registered_as);
    auto const a = s.peer_of(registered, registered_as);
    auto const c = s.fresh("c");
    auto const first = a.push({s.conversation(c, 3, {s.message("m1", "x", 3)})});
    s.control(first, "a push");
    auto const second = a.push({s.conversation(c, 3, {s.message("m1", "another", 3)})});
    s.control(second, "a push of another copy of the same version");
    auto const since = s.in_seconds(-60);
    // Everybody else's conversations are in the feed and in the list as well; any one of them will do.
    return {{s.nobody().get("/identity"), "", {"backend_id", "backend_type", "public_key", "capabilities", "version", "created_at"}},
            {registered, "", {"status", "peer_id", "sync_endpoint", "telemetry_endpoint", "sync_interval_ms"}},
            {first, "", {"status", "acked_sync_id", "conflicts", "next_sync_in_ms"}},
            {second, "/conflicts/0", {"conversation_id", "message_id", "local_version", "incoming_version", "conflict_type", "resolution_strategy", "winner"}},
            {a.get("/peers"), "/peers/0", {"peer_id", "backend_id", "backend_type", "public_key", "capabilities", "sbt", "registered_at"}},
            {a.pull({.since = since, .limit = 1}), "", {"conversations", "last_sync", "has_more"}},
            {a.pull({.since = since, .limit = 1}), "/conversations/0", {"conversation_id", "version", "messages", "surfaces", "last_modified", "source_backend"}},
            {a.get("/conversations?limit=1"), "/conversations/0", {"conversation_id", "version", "surfaces", "last_modified", "source_backend"}},
            {a.read(c), "", {"conversation_id", "version", "messages", "surfaces", "last_modified", "source_backend"}},
            {a.write(c, "y"), "", {"id", "role", "content", "timestamp", "surface", "source_backend", "version"}}};
}

std::string camel(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i)
        if (name[i] == '_' && i + 1 < name.size()) out += static_cast<char>(name[++i] - ('a' - 'A'));
        else out += name[i];
    return out;
}

void names_are_snake_case(scenario& s) {
    for (auto const& [x, pointer, names] : every_answer(s)) {
        s.control(x, "an answer to look at");
        auto const* o = at(x.body(), pointer);
        s.expect(o && o->is_object(), "an object at \"" + pointer + "\" of the answer", o ? show(*o) : "absent");
        for (auto const& name : names) {
            auto const other = camel(name);
            bool const has_other = other != name && o->get_object().contains(other);
            s.expect(o->get_object().contains(name), "the member " + name, has_other ? "it is called " + other : "absent");
        }
    }
}

/// The first integer member of the specification that came as another kind of number, or "".
std::string broken_integer(json::value const& v) {
    static std::vector<std::string_view> const integers{"version", "local_version", "incoming_version", "sync_interval_ms", "next_sync_in_ms", "message_count"};
    if (auto const* array = v.if_array()) {
        for (auto const& element : *array)
            if (auto found = broken_integer(element); !found.empty()) return found;
    } else if (auto const* object = v.if_object()) {
        for (auto const& m : *object) {
            auto const name = json::view(m.key());
            if (m.value().is_double() && std::find(integers.begin(), integers.end(), name) != integers.end()) return std::string{name} + ": " + json::serialize(m.value());
            if (auto found = broken_integer(m.value()); !found.empty()) return found;
        }
    }
    return {};
}

void integers_are_integers(scenario& s) {
    for (auto const& [x, pointer, names] : every_answer(s)) {
        s.control(x, "an answer to look at");
        auto const found = broken_integer(x.body());
        s.expect(found.empty(), "integers without fraction and exponent in the answer", found);
    }
}

void no_field_opens_or_shuts(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "a push without any such field");
    struct row { char const *name, *value; };
    for (auto const& [name, value] : {row{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}, {"User-Agent", "BSP/1 CFNetwork/1494.0.7 Darwin/23.4.0"}, {"User-Agent", "okhttp/4.12.0"},
                                      {"User-Agent", "Dart/3.3 (dart:io)"}, {"User-Agent", "python-requests/2.31.0"}, {"User-Agent", "curl/8.5.0"}, {"Accept-Language", "tr-TR"}, {"Referer", "https://app.example/chat"},
                                      {"Cookie", "session=0123456789"}, {"X-Requested-With", "com.example.app"}}) {
        auto const with = [&, n = name, v = value](http_request& r) { r.headers.set(n, v); };
        std::string const what = std::string{name} + ": " + value;
        s.accepted(a.push({s.conversation(c, 2, {s.message(s.fresh("m"), "x", 2)})}, {.request = with}), "a push with " + what);
        s.accepted(a.read(c, {.request = with}), "a read with " + what);
        auto r = s.settled();
        r.request = with;
        s.accepted(s.try_register(r), "a registration with " + what);
    }
}

void names_of_fields_have_no_case(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "a push with Content-Type");
    s.control(a.read(c), "a read with Authorization");
    for (bool const lower : {true, false}) {
        auto const in_case = [lower](http_request& r) {
            http_headers changed;
            for (auto const& [name, value] : r.headers) {
                std::string other = name;
                for (auto& ch : other)
                    if (lower && ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch + 32);
                    else if (!lower && ch >= 'a' && ch <= 'z') ch = static_cast<char>(ch - 32);
                changed.add(std::move(other), value);
            }
            r.headers = std::move(changed);
        };
        std::string const how = lower ? "lower case" : "capitals";
        s.accepted(a.push({s.conversation(c, 2, {s.message(s.fresh("m"), "x", 2)})}, {.request = in_case}), "a push with names of fields in " + how);
        s.accepted(a.read(c, {.request = in_case}), "a read with names of fields in " + how);
    }
}

check const checks[] = {
    {.id = "mpp/javascript", .title = "a program in JavaScript can register, push, write and pull", .clauses = {"BSP-GEN-051", "BSP-GEN-031", "BSP-GEN-056"},
     .impact = "no page in a browser can sync", .likely_cause = "a format of timestamps without milliseconds", .run = javascript_is_spoken},
    {.id = "mpp/swift", .title = "a program in Swift can register, push, write and pull", .clauses = {"BSP-GEN-051", "BSP-GEN-030", "BSP-GEN-031", "BSP-GEN-036"},
     .impact = "no iPhone can sync", .likely_cause = "a format of timestamps with a fraction; signatures over the text as it came, with its \\/ and its order of members", .run = swift_is_spoken},
    {.id = "mpp/kotlin", .title = "a program in Kotlin can register, push, write and pull", .clauses = {"BSP-GEN-051", "BSP-GEN-055", "BSP-GEN-056"},
     .impact = "no Android phone can sync", .likely_cause = "timestamps with at most six digits", .run = kotlin_is_spoken},
    {.id = "mpp/python", .title = "a program in Python can register, push, write and pull", .clauses = {"BSP-GEN-051", "BSP-GEN-052", "BSP-GEN-031"},
     .impact = "no backend in Python can sync", .likely_cause = "timestamps without an offset are refused, or compared with ones that have it", .run = python_is_spoken},
    {.id = "mpp/csharp", .title = "a program in C# can register, push, write and pull", .clauses = {"BSP-GEN-051", "BSP-GEN-031", "BSP-GEN-036"},
     .impact = "no program on Windows can sync", .likely_cause = "signatures over the text as it came, with its escapes in capitals", .run = csharp_is_spoken},
    {.id = "mpp/php", .title = "a program in PHP can register, push, write and pull", .clauses = {"BSP-GEN-051", "BSP-GEN-031", "BSP-GEN-036"},
     .impact = "no extension of a web shop can sync", .likely_cause = "timestamps with an offset, or \\/ with \\u00e9 beside it", .run = php_is_spoken},
    {.id = "mpp/lower-case-times", .title = "t and z in lower case are time everywhere: in tokens, payloads, writes and queries", .clauses = {"BSP-GEN-051", "BSP-GEN-056"},
     .impact = "a client whose library writes them is shut out", .likely_cause = "one place parses with another function than the rest", .run = lower_case_is_time},
    {.id = "mpp/surfaces", .title = "every surface is welcome, android like web", .clauses = {"BSP-SYN-007", "BSP-CNV-045"},
     .impact = "Android phones cannot sync", .likely_cause = "the list of surfaces of a specification without Android", .run = every_surface_is_welcome},
    {.id = "mpp/phone-and-web", .title = "a conversation from a phone shows ios in the page, and the page's reply reaches the phone", .clauses = {"BSP-MRG-040", "BSP-CNV-031", "BSP-CNV-058"},
     .impact = "people do not find on one device what they wrote on another", .likely_cause = "surfaces are replaced, or known ones filtered", .run = from_phone_to_web_and_back},
    {.id = "mpp/snake-case", .title = "the members of every answer are spelled as specified", .clauses = {"BSP-GEN-032"},
     .impact = "clients in other languages do not find what they need", .likely_cause = "a serializer's naming policy", .run = names_are_snake_case},
    {.id = "mpp/integers", .title = "integers are sent without fraction and exponent, in every answer", .clauses = {"BSP-GEN-028"},
     .impact = "strict clients refuse the answers", .likely_cause = "a library that reads every number as a double", .run = integers_are_integers},
    {.id = "mpp/any-program", .title = "no matter what a program says of itself, it is served", .clauses = {"BSP-MPP-002"},
     .impact = "phones and backends are shut out where browsers pass", .likely_cause = "a filter of User-Agents, or a framework's session cookie", .run = no_field_opens_or_shuts, .strength = obligation::should},
    {.id = "mpp/field-names", .title = "names of header fields have no case", .clauses = {"BSP-MPP-003"},
     .impact = "clients behind HTTP/2 are refused", .likely_cause = "a map from names to values that compares octets", .run = names_of_fields_have_no_case, .strength = obligation::should},
};

}  // namespace

group platforms_group() { return {"platforms", profile::mpp, checks}; }

}  // namespace bsp::conformance
