#include "subjects.hpp"

#include "../signing_key.hpp"
#include "shape.hpp"

#include "../json.hpp"
#include "../surroundings.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/sbt/sbt.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <set>

namespace bsp::conformance::fuzz {
namespace {

/// The draft as bytes, with the credential of `by` where there is one.
attack written(cast const& c, draft d, caller const* by) {
    attack out{{d.method, c.world.target_path(d.path), {}, {}, {}}, std::move(d.told), {}};
    if (d.body) {
        if (auto* o = d.body->if_object())
            for (auto const& change : d.after_signing) change(*o);
        out.request.body = boost::json::serialize(*d.body);
        for (auto const& change : d.text) change(out.request.body, out.told);
        out.request.headers.add("Content-Type", "application/json");
    }
    if (by)
        if (auto value = by->authorization(d.method, d.path, d.credential); !value.empty()) out.request.headers.add("Authorization", std::move(value));
    for (auto const& change : d.request) change(out.request);
    return out;
}

/// That none of the conversations is there, after a refusal.
std::optional<trouble> left_behind(cast const& c, std::vector<std::string> const& named) {
    for (auto const& id : named) {
        auto const now = c.to.ask(c.user, "GET", "/conversations/" + id);
        if (now.why == fault::none && now.response.status / 100 == 2)
            return trouble{"state", "nothing of a refused request is stored", "conversation " + id + " exists: " + now.response.body.substr(0, 120)};
    }
    return std::nullopt;
}

/// That a conversation of an accepted push holds its messages as they were sent.
std::optional<trouble> kept_verbatim(cast const& c, json::object const& sent) {
    json::value const v = sent;
    auto const id = text_at(v, "/conversation_id");
    auto const now = c.to.ask(c.user, "GET", "/conversations/" + percent_encode_segment(id));
    if (now.why != fault::none) return std::nullopt;
    if (now.response.status != 200) return trouble{"lost", "conversation " + id + " of an accepted push can be read", "status " + std::to_string(now.response.status)};
    auto const body = json::parse(now.response.body);
    if (!body) return trouble{"unreadable", "an I-JSON answer", now.response.body.substr(0, 160)};
    for (auto const& m : objects_at(v, "/messages")) {
        json::value const one = m;
        auto const* stored = find_by_id(*body, "/messages", text_at(one, "/id"));
        if (!stored || !same(*stored, one)) return trouble{"altered", "message " + show(one, 200), stored ? show(*stored, 200) : "absent"};
    }
    return std::nullopt;
}

bool are_unique(std::vector<std::string> const& names) { return std::set<std::string>{names.begin(), names.end()}.size() == names.size(); }

}  // namespace

subject push_of(cast const& c) {
    auto const fresh = [&c] {
        auto& s = c.world;
        auto const more = [](json::object& o) {
            o["deleted"] = false;
            o["redacted"] = false;
            o["x-more"] = json::object{{"gr\xC3\xB6\xC3\x9F" "e \xF0\x9F\x98\x80", json::array{1, json::object{{"b", nullptr}}, "x"}}, {"zero", 0}};
        };
        auto const titled = [&](json::object& o) {
            more(o);
            o["title"] = "Caf\xC3\xA9";
            o["surfaces"] = json::array{"web", "ios"};
        };
        draft d{"POST", "/sync/" + c.a.peer_id()};
        d.named = {s.fresh("c"), s.fresh("c")};
        std::vector<json::object> all;
        for (auto const& id : d.named)
            all.push_back(s.conversation(id, 3, {s.message("m1", "caf\xC3\xA9 \xF0\x9F\x98\x80 / \\ \" \t", 1, more), s.message("m2", "two", 2, more)}, titled));
        d.body = c.a.payload(all, {.sign = false});
        d.original = *d.body;
        return d;
    };
    auto const finish = [&c](draft d) {
        auto const judged = judge_payload(*d.body, {c.a.peer_id(), c.a.backend_id(), c.world.identity().backend_id, c.world.now()});
        d.told.at_least(judged.wanted, judged.because);
        if (auto* o = d.body->if_object()) {
            // What has no canonical form is signed over its plain text: it must be refused before anybody looks.
            auto const canonical = json::canonicalize(*o);
            (*o)["signature"] = to_base64(c.world.seal(c.key, canonical ? *canonical : boost::json::serialize(*o)));
        }
        auto const named = d.named;
        json::value const sent = *d.body;
        bool const untouched = d.after_signing.empty();
        auto out = written(c, std::move(d), nullptr);
        bool const must_be_kept = out.told.wanted == demand::accepted && untouched;
        out.afterwards = [&c, named, sent, must_be_kept](answer const& got) -> std::optional<trouble> {
            if (got.response.status >= 400) return left_behind(c, named);
            auto const said = json::parse(got.response.body);
            if (!said || !said->is_object()) return trouble{"unreadable", "an I-JSON answer", got.response.body.substr(0, 160)};
            if (!must_be_kept || !objects_at(*said, "/conflicts").empty() || !are_unique(ids_at(sent, "/conversations", "conversation_id"))) return std::nullopt;
            for (auto const& one : objects_at(sent, "/conversations"))  // others may have been there before
                if (std::find(named.begin(), named.end(), text_at(json::value(one), "/conversation_id")) != named.end() && are_unique(ids_at(json::value(one), "/messages")))
                    if (auto t = kept_verbatim(c, one)) return t;
            return std::nullopt;
        };
        return out;
    };
    return {"POST /sync/{peer_id}", c.a.name(), fresh, finish};
}

subject registration_of(cast const& c) {
    auto const fresh = [&c] {
        auto& s = c.world;
        registration r{.signing_key = c.key};
        r.sbt = [&s](json::object& o) { o["sbt_id"] = s.fresh("t"); };
        r.body = [](json::object& o) { o["challenge"] = "3q2-7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs"; };
        r = s.settled(r);
        draft d{"POST", "/register-peer"};
        d.body = s.registration_body(r);
        d.original = *d.body;
        d.body->at("sbt").as_object().erase("signature");
        d.named = {*r.backend_id};
        return d;
    };
    auto const finish = [&c](draft d) {
        if (auto* o = d.body->if_object())
            if (auto* sbt = o->contains("sbt") ? o->at("sbt").if_object() : nullptr) {
                auto const canonical = json::canonicalize(*sbt, {"signature"});
                (*sbt)["signature"] = to_hex(c.world.seal(c.world.account().secret, canonical ? *canonical : boost::json::serialize(*sbt)));
            }
        auto const judged = judge_registration(*d.body, d.original.as_object());
        d.told.at_least(judged.wanted, judged.because);
        auto const backend_id = d.named.front();
        auto out = written(c, std::move(d), nullptr);
        out.afterwards = [&c, backend_id](answer const& got) -> std::optional<trouble> {
            if (got.response.status < 400) {
                auto const said = json::parse(got.response.body);
                if (!said || text_at(*said, "/peer_id").empty()) return trouble{"unreadable", "an I-JSON answer with a peer_id", got.response.body.substr(0, 160)};
                (void)c.to.ask(c.user, "DELETE", "/peers/" + percent_encode_segment(text_at(*said, "/peer_id")));
                return std::nullopt;
            }
            auto const listed = c.to.ask(c.user, "GET", "/peers");
            if (listed.why == fault::none && listed.response.body.find(backend_id) != std::string::npos)
                return trouble{"state", "a refused registration leaves the list of peers unchanged", backend_id + " is listed"};
            return std::nullopt;
        };
        return out;
    };
    return {"POST /register-peer", "-", fresh, finish};
}

subject write_of(cast const& c) {
    auto const fresh = [&c] {
        auto& s = c.world;
        draft d;
        d.named = {s.fresh("w")};
        d.method = "POST";
        d.path = "/conversations/" + d.named.front() + "/messages";
        d.body = json::object{{"role", "user"},  {"content", "caf\xC3\xA9 \xF0\x9F\x98\x80 / \\ \" \t"}, {"surface", "web"}, {"id", s.fresh("m")}, {"timestamp", s.in_seconds(-60)},
                              {"title", "Title"}, {"x-more", json::array{1, json::object{{"b", nullptr}}}}};
        d.original = *d.body;
        return d;
    };
    auto const finish = [&c](draft d) {
        auto const judged = judge_write(*d.body, c.world.now());
        d.told.at_least(judged.wanted, judged.because);
        auto const named = d.named;
        json::value const sent = *d.body;
        auto out = written(c, std::move(d), &c.user);
        bool const must_be_kept = out.told.wanted == demand::accepted;
        out.afterwards = [&c, named, sent, must_be_kept](answer const& got) -> std::optional<trouble> {
            if (got.response.status >= 400) return left_behind(c, named);
            auto const said = json::parse(got.response.body);
            if (!said || !said->is_object()) return trouble{"unreadable", "an I-JSON answer", got.response.body.substr(0, 160)};
            if (must_be_kept)
                for (auto const* member : {"/role", "/content", "/surface"})
                    if (text_at(*said, member) != text_at(sent, member)) return trouble{"altered", std::string{member} + " as it was sent", show(*said, 200)};
            return std::nullopt;
        };
        return out;
    };
    return {"POST /conversations/{id}/messages", c.user.name(), fresh, finish};
}

subject reading(cast const& c, caller const& by, std::string name, std::string method, std::function<std::string()> path) {
    return {std::move(name), by.name(), [method = std::move(method), path = std::move(path)] { return draft{method, path()}; },
            [&c, &by](draft d) { return written(c, std::move(d), &by); }};
}

mutation odd_path(cast const& c, dice& d) {
    auto const every_octet = [](std::string_view text) {
        std::string out;
        for (char const ch : text) {
            char octet[4];
            std::snprintf(octet, sizeof octet, "%%%02X", static_cast<unsigned char>(ch));
            out += octet;
        }
        return out;
    };
    auto const become = [](std::string kind, std::string method, std::string path, demand wanted, std::string why) {
        return mutation{std::move(kind), method + ' ' + path.substr(0, 120), [=](draft& r) {
                            r.method = method, r.path = path;
                            r.told = {wanted, why};
                        }};
    };
    auto const segment = [&]() -> std::pair<std::string, demand> {
        switch (d.below(6)) {
            case 0: return {std::string(129 + d.below(2) * 3000, 'a'), demand::refused};
            case 1: return {"%252e%252e%252f" + std::to_string(d.below(10)), demand::refused};
            case 2: {
                static char const* const broken[] = {"%", "%zz", "%2", "a%", "%%41", "%u0041", ";", "a;b=c", "a//b", "", ".", "..", "%2e%2e", "a/../b"};
                return {d.of(broken), demand::open};
            }
            case 3: {
                static char const* const octets[] = {"%00", "a%00b", "%ff", "%c0%af", "%0d%0a", "%ed%a0%80", "a%2fb", "%5c", "%20", "%7f", "%E2%80%AE"};
                return {d.of(octets), demand::refused};
            }
            default: {
                auto const text = odd_text(d);
                if (text.empty() || text == "." || text == "..") return {every_octet("."), demand::open};
                return {every_octet(text), is_identifier(text) ? demand::open : demand::refused};
            }
        }
    }();
    auto const& [part, wanted] = segment;
    std::string const why = "its path holds no identifier";
    switch (d.below(7)) {
        case 0: return become("odd identifier in a path", "GET", "/conversations/" + part, wanted, why);
        case 1: return become("odd identifier in a path", "DELETE", "/conversations/" + part, wanted, why);
        case 2: return become("odd identifier in a path", "DELETE", "/conversations/" + c.world.fresh("c") + "/messages/" + part, wanted, why);
        case 3: return become("odd identifier in a path", "DELETE", "/peers/" + part, wanted, "no such peer exists");
        case 4: return become("odd identifier in a path", "GET", "/sync/" + part, wanted == demand::refused ? wanted : demand::open, "no such peer exists");
        case 5: {
            static char const* const methods[] = {"BREW", "get", "PROPFIND", "TRACE", "PATCH", "PUT", "LINK", "X"};
            static char const* const paths[] = {"/identity", "/peers", "/conversations", "/register-peer"};
            return become("odd method", d.of(methods), d.of(paths), demand::refused, "its method is none of the path's");
        }
        default: {
            static char const* const paths[] = {"/nothing", "/conversations/x/y/z", "/sync/x/y", "/peers/x/y", "//", "/%2e%2e/%2e%2e/etc/passwd", "/conversations%2f", "/.git/config", "/IDENTITY", "/favicon.ico"};
            return become("odd path", "GET", d.of(paths), demand::open, "");
        }
    }
}

mutation odd_query(dice& d) {
    auto const with = [](std::string kind, std::string addition, demand wanted, std::string why) {
        return mutation{std::move(kind), "query ?" + addition, [=](draft& r) {
                            r.path = r.path.substr(0, r.path.find('?')) + '?' + addition;
                            r.told.at_least(wanted, why);
                        }};
    };
    switch (d.below(5)) {
        case 0: {
            static char const* const refused[] = {"0", "-1", "1.5", "abc", "NaN", "null", "-9223372036854775809", "%27", "true"};
            return with("limit", std::string{"limit="} + d.of(refused), demand::refused, "its limit is no decimal integer of at least 1");
        }
        case 1: {
            static char const* const open[] = {"limit=99999999999999999999999", "limit=18446744073709551617", "limit=", "limit", "limit=01", "limit=%2B1", "limit=1e3", "limit=0x10", "limit=1%00", "limit=%EF%BC%91", "limit=1,2", "since=2025-12-31%2000%3A00%3A00Z", "limit=1&limit=2", "&&&", "=", "=x", "limit=1&", "?", "%",
                                               "limit=%", "limit=%zz", "since=", "cursor=", "since=2025-12-31T00:00:00+02:00", "epoch=", "epoch=other", "limit[]=1", "limit%00=1", "%6Cimit=1"};
            return with("query", d.of(open), demand::open, "");
        }
        case 2: {
            static char const* const refused[] = {"now", "0", "1735603200", "2025-12-31", "20251231T000000Z", "2025-02-29T00%3A00%3A00Z", "2025-12-31T24%3A00%3A00Z", "2025-12-31T00%3A00%3A00.1234567891Z", "%00", "%FF",
                                                  "10000-01-01T00%3A00%3A00Z", "-1", "null", "9223372036854775807", "%27%20OR%201%3D1--", "%F0%9F%98%80"};
            return with("since", std::string{"since="} + d.of(refused), demand::refused, "its since is no timestamp");
        }
        case 3: {
            static char const* const foreign[] = {"x", "AAAA", "%00", "%FF", "e30", "eyJhIjoxfQ", "..%2F..", "-1", "%7B%7D", "bnVsbA", "W10", "%27--", "%F0%9F%98%80", "eyJhIjoxfQ.AAAA"};
            auto const text = d.one_in(4) ? std::string(1'500, 'A') : std::string{d.of(foreign)};
            return with("cursor", "cursor=" + text, demand::open, "its cursor is none that the server issued");
        }
        default: return with("unknown parameter", "x-" + std::to_string(d.below(100)) + "=" + percent_encode_segment(odd_text(d)) + "&limit=2", demand::accepted, "unknown parameters are ignored");
    }
}

}  // namespace bsp::conformance::fuzz
