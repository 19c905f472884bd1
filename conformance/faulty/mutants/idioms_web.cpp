#include "../observed_backend.hpp"
#include "lenient_json.hpp"
#include "lower.hpp"

#include <bsp/json/parse.hpp>

#include <algorithm>
#include <chrono>

/// What frameworks, caches and proxies do to requests and answers unless they are told not to.
namespace bsp::faulty {

namespace {

using base = observed_backend;
using std::chrono::milliseconds;

std::string_view field_of(http_request const& r, std::string_view name) {
    auto const* v = r.headers.find(name);
    return v ? std::string_view{*v} : std::string_view{};
}
std::string_view path_of(http_request const& r) { return std::string_view{r.target}.substr(0, r.target.find('?')); }

// ---- queries ----

struct query_in_any_case : base {
    using base::base;
    result<std::size_t> limit_of(call const& c) override { return base::limit_of(renamed(c)); }
    result<instant> since_of(call const& c) override { return base::since_of(renamed(c)); }

private:
    static call renamed(call c) {
        for (auto& p : c.query) p.first = lower(p.first);
        return c;
    }
};
struct brackets_make_lists : base {
    using base::base;
    answer dispatch(call& c) override {
        std::string const text = replaced(replaced(std::string{c.query_text}, "%5B", "["), "%5b", "[");
        for (char const* name : {"since[", "limit[", "cursor[", "wait["})
            if (text.starts_with(name) || text.find("&" + std::string{name}) != std::string::npos) return fail(errc::internal, "text.trim is not a function");
        return base::dispatch(c);
    }
};
template <auto is_bad>
struct since_spelled_otherwise : base {
    using base::base;
    result<instant> since_of(call const& c) override {
        std::size_t const at = c.query_text.find("since=");
        if (at != std::string_view::npos && is_bad(c.query_text.substr(at, c.query_text.find('&', at) - at))) return fail(errc::invalid_query, "since is no timestamp");
        return base::since_of(c);
    }
};
bool has_bare_colon(std::string_view text) { return text.find(':') != std::string_view::npos; }
bool has_escaped_colon(std::string_view text) { return text.find("%3A") != std::string_view::npos || text.find("%3a") != std::string_view::npos; }
bool has_small_escape(std::string_view text) { return text.find("%2b") != std::string_view::npos || text.find("%3a") != std::string_view::npos; }
/// Digits of other scripts, signs and blanks, as a library reads them, but not in pulls.
struct limits_of_lists_at_ease : base {
    using base::base;
    result<std::size_t> limit_of(call const& c) override {
        call seen = c;
        for (auto& [name, value] : seen.query)
            if (name == "limit" && c.segments[0] != "sync") {
                while (value.starts_with('+') || value.starts_with(' ')) value.erase(0, 1);
                while (value.ends_with(' ')) value.pop_back();
            }
        return base::limit_of(seen);
    }
};

// ---- bodies and their types ----

struct charset_counts : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        if (lower(field_of(r, "Content-Type")).find("iso-8859-1") == std::string::npos) return base::serve(r, now);
        http_request seen = r;
        seen.body.clear();
        for (char const c : r.body)
            if (auto const byte = static_cast<unsigned char>(c); byte < 0x80) seen.body += c;
            else seen.body += {static_cast<char>(0xC0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3F))};
        return base::serve(seen, now);
    }
};
struct other_charsets_refused : base {
    using base::base;
    result<> check_media_type(call const& c) override {
        std::string const type = lower(field_of(c.request, "Content-Type"));
        if (type.find("charset=") != std::string::npos && type.find("utf-8") == std::string::npos) return fail(errc::unsupported_media_type, "unsupported charset");
        return base::check_media_type(c);
    }
};
struct empty_body_has_a_type : base {
    using base::base;
    result<> check_media_type(call const& c) override {
        std::string const type = lower(field_of(c.request, "Content-Type"));
        if (c.request.body.empty() && !type.empty() && !type.starts_with("application/json")) return fail(errc::unsupported_media_type, "unsupported media type");
        return base::check_media_type(c);
    }
};
struct empty_json_is_malformed : base {
    using base::base;
    answer dispatch(call& c) override {
        if (c.request.method == "DELETE" && c.request.body.empty() && lower(field_of(c.request, "Content-Type")).starts_with("application/json"))
            return fail(errc::malformed_body, "body cannot be empty when content-type is set to 'application/json'");
        return base::dispatch(c);
    }
};
/// Reads the first value of a body, and everything after it belongs to nobody.
template <auto mended>
struct lenient_elsewhere : base {
    using base::base;
    result<json::value> parse_body(std::string_view text) override {
        auto v = base::parse_body(text);
        if (v || text.find("\"conversations\"") != std::string_view::npos) return v;
        return base::parse_body(mended(std::string{text}));
    }
    result<json::object> parse_event(std::string const& text) override {
        auto v = base::parse_event(text);
        return v ? v : base::parse_event(mended(text));
    }
};
std::string first_value(std::string text) {
    text.erase(std::min(text.rfind('}'), text.size() - 1) + 1);
    return text;
}
std::string without_trailing_commas(std::string text) { return replaced(replaced(text, ",}", "}"), ",]", "]"); }
std::string without_comments(std::string text) {
    for (std::size_t at = 0; (at = text.find("/*")) != std::string::npos;) {
        std::size_t const end = text.find("*/", at);
        text.erase(at, end == std::string::npos ? end : end + 2 - at);
    }
    return text;
}

// ---- methods, paths, answers ----

struct post_stands_for_others : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        std::string_view const method = field_of(r, "X-HTTP-Method-Override");
        if (r.method != "POST" || method.empty()) return base::serve(r, now);
        http_request seen = r;
        seen.method = method;
        return base::serve(seen, now);
    }
    result<> check_method(call const& c, assertion const& a) override {
        return a.htm == "POST" && !field_of(c.request, "X-HTTP-Method-Override").empty() ? ok() : base::check_method(c, a);
    }
};
struct path_from_a_field : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        std::string_view const path = field_of(r, "X-Original-URL");
        if (path.empty()) return base::serve(r, now);
        http_request seen = r;
        seen.target = path;
        return base::serve(seen, now);
    }
};
struct head_is_get : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        if (r.method != "HEAD") return base::serve(r, now);
        http_request seen = r;
        seen.method = "GET";
        http_response out = base::serve(seen, now);
        out.body.clear();
        return out;
    }
};
struct errors_as_wanted : base {
    using base::base;
    http_response problem(error const& e, call const& c) override {
        http_response r = base::problem(e, c);
        if (field_of(c.request, "Accept").find("text/html") == std::string_view::npos) return r;
        r.headers.set("Content-Type", "text/html");
        r.body = "<html><body><h1>Whitelabel Error Page</h1></body></html>";
        return r;
    }
};
struct no_challenge_for_scripts : base {
    using base::base;
    void finish(call const& c, http_response& r) override {
        base::finish(c, r);
        if (r.status != 401 || field_of(c.request, "X-Requested-With").empty()) return;
        http_headers kept;
        for (auto const& [name, value] : r.headers)
            if (!http_headers::same_name(name, "WWW-Authenticate")) kept.add(name, value);
        r.headers = std::move(kept);
    }
};
struct small_paths : base {
    using base::base;
    result<std::string> path_identifier(std::string const& segment) override { return base::path_identifier(lower(segment)); }
};

// ---- what a connection remembers: the door tells its number ----

struct jtis_of_a_connection : base {
    using base::base;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        return base::claim_jti(c, issuer + " on " + std::string{field_of(c.request, "X-Connection")}, a);
    }
};
struct connection_logged_in : base {
    using base::base;
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        std::string const line{field_of(c.request, "X-Connection")};
        if (auto const found = known_.find(line); !c.request.headers.find("Authorization") && found != known_.end()) {
            auto const& [who, user_id, peer_id] = found->second;
            auto const peer = held().peers.find(peer_id);
            if ((who_may & bit(who)) && (peer_id.empty() || peer != held().peers.end())) return principal{who, user_id, peer_id.empty() ? nullptr : &peer->second};
        }
        BSP_TRY(principal who, base::authenticate(c, who_may, of_path));
        known_[line] = {who.kind, who.user_id, who.peer ? who.peer->peer_id : ""};
        return who;
    }

private:
    static unsigned bit(principal::kind_t k) { return k == principal::peer_kind ? peer_may : k == principal::user_kind ? user_may : admin_may; }
    std::map<std::string, std::tuple<principal::kind_t, std::string, std::string>> known_;
};

// ---- caches ----

/// A cache in front of it that knows an answer by its URL alone, and forgets all when something is written.
template <auto is_cached>
struct cached_by_url : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        http_response out = base::serve(r, now);
        if (r.method != "GET") kept_.clear();
        if (r.method != "GET" || out.status != 200 || !is_cached(path_of(r))) return out;
        out.body = kept_.try_emplace(r.target, out.body).first->second;
        return out;
    }
    reply judge(held_socket const& s, std::string const& text, instant now) override {
        kept_.clear();
        return base::judge(s, text, now);
    }

private:
    std::map<std::string, std::string> kept_;
};
bool is_list(std::string_view path) { return path.ends_with("/conversations"); }
bool is_list_of_peers(std::string_view path) { return path.ends_with("/peers"); }
bool is_settings(std::string_view path) { return path.ends_with("/privacy-settings"); }
bool is_export(std::string_view path) { return path.ends_with("/privacy/export"); }
bool is_list_of_events(std::string_view path) { return path.ends_with("/telemetry/events"); }

/// A cache of each user's answers for two seconds, from which what `leaves` says takes them.
template <auto is_cached, auto leaves>
struct cached_for_a_while : base {
    using base::base;
    http_response serve(http_request const& r, instant now) override {
        std::string_view const path = path_of(r);
        http_response out = base::serve(r, now);
        if (r.method != "GET" && out.status < 300 && leaves(r.method, path)) kept_.clear();
        if (r.method != "GET" || (out.status != 200 && out.status != 404) || !is_cached(path)) return out;
        auto const known = kept_.find({user_, r.target});
        if (known != kept_.end() && now < known->second.second) return {200, out.headers, known->second.first};
        if (out.status == 200) kept_[{user_, r.target}] = {out.body, now + milliseconds{2'000}};
        return out;
    }
    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path) override {
        BSP_TRY(principal who, base::authenticate(c, who_may, of_path));
        user_ = who.user_id + (who.peer ? who.peer->peer_id : "");
        return who;
    }

private:
    std::map<std::pair<std::string, std::string>, std::pair<std::string, instant>> kept_;
    std::string user_;
};
bool is_one(std::string_view path) { return path.find("/conversations/") != std::string_view::npos; }
bool is_digest(std::string_view path) { return path.ends_with("/digest"); }
bool is_any(std::string_view, std::string_view) { return true; }
bool is_here(std::string_view, std::string_view path) { return path.find("/conversations/") != std::string_view::npos; }
bool is_push_or_write(std::string_view method, std::string_view path) { return method == "POST" && path.find("/peers") == std::string_view::npos; }
bool is_no_erasure(std::string_view, std::string_view path) { return !path.ends_with("/privacy/data"); }
bool is_no_setting(std::string_view, std::string_view path) { return !path.ends_with("/privacy-settings"); }
bool is_registration(std::string_view, std::string_view path) { return path.ends_with("/register-peer"); }

/// That it was not there is remembered for two seconds.
struct absence_remembered : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        if (auto const found = until_.find(c.request.target); found != until_.end() && c.now < found->second) return fail(errc::not_found, "no such conversation");
        answer out = base::read_conversation(c, id);
        if (!out && out.error().code == errc::not_found) until_[c.request.target] = c.now + milliseconds{2'000};
        return out;
    }

private:
    std::map<std::string, instant> until_;
};
/// A validator made of what need not change.
template <auto validator, char const* told, char const* asked>
struct revalidated : base {
    using base::base;
    answer read_conversation(call const& c, std::string const& id) override {
        BSP_TRY(http_response out, base::read_conversation(c, id));
        auto const body = json::parse(out.body);
        std::string const mark = body ? validator(body->get_object()) : "";
        out.headers.set(told, mark);
        if (field_of(c.request, asked) == mark) return http_response{304, {{told, mark}}, {}};
        return out;
    }
};
constexpr char etag[] = "ETag", if_none_match[] = "If-None-Match", last_modified[] = "Last-Modified", if_modified_since[] = "If-Modified-Since";
std::string by_version(json::object const& o) { return "\"" + json::serialize(o.at("version")) + "\""; }
std::string by_date(json::object const& o) { return http_date(parse_timestamp(json::view(o.at("last_modified").as_string())).value()); }

fault on_lines(fault f) {
    f.door = framing{.tells_connection = true};
    return f;
}

}  // namespace

std::vector<fault> idioms_web_faults() {
    return {
        tried(4, false, {"F-GEN-610", "names of query parameters are compared without case", {"gen/parameter-names"}, make<query_in_any_case>}),
        tried(4, false, {"F-GEN-611", "brackets in the name of a query parameter are answered with 500", {"gen/parameter-names"}, make<brackets_make_lists>}),
        tried(4, true, {"F-GEN-612", "a since with bare colons is refused", {"syn/since-escapes"}, make<since_spelled_otherwise<has_bare_colon>>}),
        tried(4, true, {"F-GEN-613", "a since with escaped colons is refused", {"syn/since-escapes"}, make<since_spelled_otherwise<has_escaped_colon>>}),
        tried(4, false, {"F-GEN-614", "escapes in small letters in a since are not understood", {"syn/since-escapes"}, make<since_spelled_otherwise<has_small_escape>>}),
        tried(4, true, {"F-GEN-615", "signs and blanks pass in the limits of lists", {"syn/limit-digits"}, make<limits_of_lists_at_ease>}),
        tried(4, false, {"F-GEN-616", "the charset of a media type is obeyed", {"gen/charset"}, make<charset_counts>}),
        tried(4, false, {"F-GEN-617", "a charset other than UTF-8 is refused", {"gen/charset"}, make<other_charsets_refused>}),
        tried(4, false, {"F-GEN-618", "the media type of a request without a body is looked at", {"gen/no-body-no-type"}, make<empty_body_has_a_type>}),
        tried(4, false, {"F-GEN-619", "a DELETE without a body and with a media type is refused", {"gen/no-body-no-type"}, make<empty_json_is_malformed>}),
        tried(4, true, {"F-GEN-620", "what follows the JSON text is passed over, except in pushes", {"gen/malformed-json", "cnv/refused-writes", "tel/lenient"}, make<lenient_elsewhere<first_value>>}),
        tried(4, true, {"F-GEN-621", "trailing commas pass, except in pushes", {"gen/malformed-json", "cnv/refused-writes", "tel/lenient"}, make<lenient_elsewhere<without_trailing_commas>>}),
        tried(4, true, {"F-GEN-622", "comments pass, except in pushes", {"gen/malformed-json", "cnv/refused-writes", "tel/lenient"}, make<lenient_elsewhere<without_comments>>}),
        tried(4, false, {"F-GEN-623", "X-HTTP-Method-Override replaces the method of a POST", {"gen/fields-mean-nothing"}, make<post_stands_for_others>}),
        tried(4, false, {"F-GEN-624", "X-Original-URL replaces the path", {"gen/fields-mean-nothing"}, make<path_from_a_field>}),
        tried(4, false, {"F-GEN-625", "a HEAD is a GET, for its assertion too", {"aut/other-method"}, make<head_is_get>}),
        tried(4, false, {"F-GEN-626", "errors are HTML for who accepts it", {"gen/fields-mean-nothing"}, make<errors_as_wanted>}),
        tried(4, false, {"F-GEN-627", "401 has no WWW-Authenticate for scripts", {"gen/fields-mean-nothing"}, make<no_challenge_for_scripts>}),
        tried(4, true, {"F-GEN-628", "identifiers in paths become small", {"mrg/ids-exact", "cnv/patterns"}, make<small_paths>}),
        on_lines(tried(4, true, {"F-SYN-640", "jtis are remembered by connection", {"aut/stands-alone"}, make<jtis_of_a_connection>})),
        on_lines(tried(4, true, {"F-SYN-641", "who has proven who it is stays so on its connection", {"aut/stands-alone"}, make<connection_logged_in>})),
        tried(4, false, {"F-SYN-642", "a cache knows lists of conversations by their URL", {"cnv/answers-of-another"}, make<cached_by_url<is_list>>}),
        tried(4, true, {"F-REG-610", "a cache knows the list of peers by its URL", {"peer/list-of-own-user", "cnv/answers-of-another"}, make<cached_by_url<is_list_of_peers>>}),
        tried(4, true, {"F-PRV-610", "a cache knows settings by their URL", {"prv/settings-of-another", "cnv/answers-of-another"}, make<cached_by_url<is_settings>>}),
        tried(4, true, {"F-PRV-611", "a cache knows exports by their URL", {"prv/export-of-one"}, make<cached_by_url<is_export>>}),
        tried(4, true, {"F-TEL-610", "a cache knows lists of events by their URL", {"tel/tenants"}, make<cached_by_url<is_list_of_events>>}),
        tried(4, false, {"F-SYN-643", "conversations are cached, and what peers push leaves the cache as it is", {"cnv/read-again"}, make<cached_for_a_while<is_one, is_here>>}),
        tried(4, false, {"F-SYN-644", "conversations are cached, and deletions leave the cache as it is", {"cnv/read-again"}, make<cached_for_a_while<is_one, is_push_or_write>>}),
        tried(4, false, {"F-PRV-612", "conversations are cached, and an erasure leaves the cache as it is", {"prv/erase-much"}, make<cached_for_a_while<is_one, is_no_erasure>>}),
        tried(4, true, {"F-PRV-613", "conversations are cached, and settings leave the cache as it is", {"prv/retention"}, make<cached_for_a_while<is_one, is_no_setting>>}),
        tried(4, false, {"F-SYN-645", "the list of conversations is cached, and pushes leave the cache as it is", {"cnv/read-again"}, make<cached_for_a_while<is_list, is_here>>}),
        tried(4, false, {"F-SYN-646", "the digest is cached, and local writes leave the cache as it is", {"syn/history-digest"}, make<cached_for_a_while<is_digest, is_push_or_write>>}),
        tried(4, true, {"F-REG-611", "the list of peers is cached, and only registrations change the cache", {"peer/list-again"}, make<cached_for_a_while<is_list_of_peers, is_registration>>}),
        tried(4, true, {"F-TEL-611", "the list of events is cached, and events leave the cache as it is", {"tel/integer-bounds"}, make<cached_for_a_while<is_list_of_events, is_any>>}),
        tried(4, true, {"F-SYN-647", "that a conversation was not there is remembered for two seconds", {"cnv/read-again"}, make<absence_remembered>}),
        tried(4, false, {"F-SYN-648", "the ETag of a conversation is its version", {"cnv/validators"}, make<revalidated<by_version, etag, if_none_match>>}),
        tried(4, false, {"F-SYN-649", "Last-Modified of a conversation is its last_modified", {"cnv/validators"}, make<revalidated<by_date, last_modified, if_modified_since>>}),
    };
}

}  // namespace bsp::faulty
