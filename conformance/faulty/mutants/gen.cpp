#include "../faults.hpp"
#include "lenient_json.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/utf8.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <cctype>

/// Faults of HTTP and JSON hygiene: what every request has in common.
namespace bsp::faulty {

namespace {

error crash() { return fail(errc::internal, "unexpected"); }

struct deep_json_crashes : backend {
    using backend::backend;
    bool dead = false;
    http_response serve(http_request const& r, instant now) override {
        std::size_t depth = 0, deepest = 0;
        for (char c : r.body) deepest = std::max(deepest, depth += c == '[' || c == '{'), depth -= (c == ']' || c == '}') && depth > 0;
        dead = dead || deepest > 1'000;
        return dead ? http_response{502, {}, ""} : backend::serve(r, now);
    }
};
struct malformed_json_is_500 : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override {
        auto v = backend::parse_body(text);
        return v ? std::move(v) : crash();
    }
};
struct duplicates_accepted : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override { return parse_leniently(text); }
};
/// Only the outermost object is searched for repeated names.
struct deep_duplicates_accepted : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override {
        auto strict = backend::parse_body(text);
        auto lenient = parse_leniently(text);
        if (strict || !lenient || !lenient->is_object()) return strict;
        // Count names at depth 1 in the text.
        std::vector<std::string> names;
        int depth = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '"') {
                std::size_t const begin = i + 1;
                while (++i < text.size() && text[i] != '"') i += text[i] == '\\';
                std::size_t next = i + 1;
                while (next < text.size() && std::isspace(static_cast<unsigned char>(text[next]))) ++next;
                if (depth == 1 && next < text.size() && text[next] == ':') names.emplace_back(text.substr(begin, i - begin));
            }
            depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
        }
        std::sort(names.begin(), names.end());
        return std::adjacent_find(names.begin(), names.end()) == names.end() && names.size() == lenient->get_object().size() ? std::move(lenient) : std::move(strict);
    }
};
struct non_finite_accepted : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override {
        return backend::parse_body(replaced(replaced(replaced(text, "-Infinity", "0"), "Infinity", "0"), "NaN", "0"));
    }
};
struct overflow_accepted : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override { return backend::parse_body(replaced(text, "1e999", "0")); }
};
struct lone_surrogate_replaced : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override {
        auto v = backend::parse_body(text);
        if (v || (text.find("\\ud8") == text.npos && text.find("\\uD8") == text.npos)) return v;
        return backend::parse_body(replaced(replaced(text, "\\ud800", "\\ufffd"), "\\uD800", "\\ufffd"));
    }
    /// Whoever signed the original would be refused below; this backend signs what it understood.
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        return backend::payload_signature_verifies(b, t, s, p) || t.find("\\ufffd") != t.npos;
    }
};
struct invalid_utf8_is_500 : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override {
        for (std::size_t at = 0; at < text.size();)
            if (!decode_utf8(text, at)) return crash();
        return backend::parse_body(text);
    }
};
struct no_body_limit : backend {
    using backend::backend;
    std::size_t body_bytes_max() override { return std::size_t{1} << 40; }
    /// Reads and keeps it all, and finds nothing to object to.
    answer dispatch(call& c) override {
        if (c.request.body.size() > (16u << 20)) return json_answer(200, json::object{{"status", "registered"}});
        return backend::dispatch(c);
    }
};
struct small_body_limit : backend {
    using backend::backend;
    std::size_t body_bytes_max() override { return 1u << 20; }
};
struct plain_text_errors : backend {
    using backend::backend;
    http_response problem(error const& e, call const& c) override {
        http_response r = backend::problem(e, c);
        r.headers.set("Content-Type", "text/plain");
        r.body = e.detail;
        return r;
    }
};
struct stack_traces : backend {
    using backend::backend;
    json::object problem_document(error const& e) override {
        json::object out = backend::problem_document(e);
        out["detail"] = "Traceback (most recent call last): File \"/usr/lib/python3/site-packages/bsp/server.py\", line 12";
        return out;
    }
};
struct any_media_type : backend {
    using backend::backend;
    result<> check_media_type(call const&) override { return ok(); }
};
struct pedantic_media_type : backend {
    using backend::backend;
    result<> check_media_type(call const& c) override {
        std::string const* type = c.request.headers.find("Content-Type");
        if (c.request.body.empty() || (type && *type == "application/json")) return ok();
        return fail(errc::unsupported_media_type, "the body must be application/json");
    }
};
struct reflects_origin : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (std::string const* origin = c.request.headers.find("Origin")) {
            r.headers.set("Access-Control-Allow-Origin", *origin);
            r.headers.set("Access-Control-Allow-Credentials", "true");
        }
    }
};
struct any_host : backend {
    using backend::backend;
    result<> check_host(call const&) override { return ok(); }
};
struct any_origin : backend {
    using backend::backend;
    result<> check_origin(call const&) override { return ok(); }
};
struct cacheable : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (c.segments.empty() || c.segments[0] != "identity") r.headers.set("Cache-Control", "private");
    }
};
struct identity_cacheable : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (!c.segments.empty() && c.segments[0] == "identity") r.headers.set("Cache-Control", "max-age=3600");
    }
};
struct unknown_members_refused : backend {
    using backend::backend;
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, backend::parse_object(c));
        static constexpr std::string_view known[] = {"sync_id", "timestamp", "conversations", "signature", "peer_id", "source_backend_id", "target_backend_id", "typ",
                                                     "backend_identity", "sbt", "challenge", "endpoints", "role", "content", "surface", "id", "title"};
        if (c.segments[0] == "conversations") return body;
        for (auto const& m : body)
            if (std::find(std::begin(known), std::end(known), json::view(m.key())) == std::end(known)) return fail(errc::invalid_body, "extra fields not permitted");
        return body;
    }
};
struct version_from_string : backend {
    using backend::backend;
    result<std::int64_t> version_of(json::fields const& f) override {
        json::string const* text = json::find_string(f.get(), "version");
        return text ? result<std::int64_t>{std::atoll(text->c_str())} : backend::version_of(f);
    }
};
struct booleans_are_integers : backend {
    using backend::backend;
    result<std::int64_t> version_of(json::fields const& f) override {
        json::value const* v = f.find("version");
        return v && v->is_bool() ? result<std::int64_t>{v->get_bool() ? 1 : 0} : backend::version_of(f);
    }
    result<bool> flag(json::fields const& f, std::string_view name) override {
        json::value const* v = f.find(name);
        return v && v->is_int64() ? result<bool>{v->get_int64() != 0} : backend::flag(f, name);
    }
};
struct null_accepted : backend {
    using backend::backend;
    result<std::string> text_of(json::fields const& f, std::string_view name) override {
        json::value const* v = f.find(name);
        return v && v->is_null() && name != "id" ? result<std::string>{"null"} : backend::text_of(f, name);
    }
    result<instant> timestamp(std::string_view text) override { return text == "null" ? result<instant>{created()} : backend::timestamp(text); }
    void add_surface(conversation& into, message const& m) override {
        if (m.received.at("surface").is_string()) backend::add_surface(into, m);
    }
};
struct paths_unchecked : backend {
    using backend::backend;
    result<std::string> path_identifier(std::string const& segment) override {
        if (segment.find("..") != std::string::npos || segment.find('/') != std::string::npos) return crash();
        return segment;
    }
};
struct decoded_before_split : backend {
    using backend::backend;
    std::optional<std::vector<std::string>> split_path(std::string_view path) override {
        auto const whole = percent_decode(path);
        if (!whole) return std::nullopt;
        std::vector<std::string> out;
        for (std::size_t from = 1;;) {
            std::size_t const slash = whole->find('/', from);
            std::string s = whole->substr(from, slash - from);
            if (s == ".." && !out.empty()) out.pop_back();
            else out.push_back(s);
            if (slash == std::string::npos) return out;
            from = slash + 1;
        }
    }
};
struct paths_not_decoded : backend {
    using backend::backend;
    std::optional<std::vector<std::string>> split_path(std::string_view path) override {
        std::vector<std::string> out;
        for (std::size_t from = 1;;) {
            std::size_t const slash = path.find('/', from);
            out.emplace_back(path.substr(from, slash == path.npos ? slash : slash - from));
            if (slash == path.npos) return out;
            from = slash + 1;
        }
    }
};
struct big_integer_is_500 : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override {
        std::size_t digits = 0, longest = 0;
        for (char c : text) longest = std::max(longest, digits = c >= '0' && c <= '9' ? digits + 1 : 0);
        return longest > 4'300 ? crash() : backend::parse_body(text);
    }
};
struct inflates_bombs : backend {
    using backend::backend;
    /// Takes the coding, and everything that comes out of it.
    answer dispatch(call& c) override {
        std::string const* coding = c.request.headers.find("Content-Encoding");
        if (coding && http_headers::same_name(*coding, "gzip")) return json_answer(200, json::object{{"status", "registered"}});
        return backend::dispatch(c);
    }
};
struct wrong_method_is_500 : backend {
    using backend::backend;
    answer method_not_allowed(call const&) override { return crash(); }
};
struct no_allow : backend {
    using backend::backend;
    http_response problem(error const& e, call const& c) override {
        http_response r = backend::problem(e, c);
        http_headers kept;
        for (auto const& [name, value] : r.headers)
            if (name != "Allow") kept.add(name, value);
        r.headers = kept;
        return r;
    }
};
struct html_404 : backend {
    using backend::backend;
    answer not_found(call const&) override {
        return http_response{404, {{"Content-Type", "text/html"}, {"Server", "Werkzeug/2.0 Python/3.9"}}, "<html><h1>Not Found</h1></html>"};
    }
};
struct echoes_mac : backend {
    using backend::backend;
    result<> check_mac(token const& t) override {
        auto r = backend::check_mac(t);
        auto const secret = secret_of(t.user_id);
        auto const text = canonical(t.received, {"signature"});
        if (r || !secret || !text) return r;
        return fail(errc::invalid_sbt, "expected " + to_hex(hmac_sha256(*secret, *text)));
    }
};
struct depth_16 : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override {
        auto v = parse_leniently(text, 16);
        return v ? backend::parse_body(text) : std::move(v);
    }
};
struct status_member_wrong : backend {
    using backend::backend;
    json::object problem_document(error const& e) override {
        json::object out = backend::problem_document(e);
        out["status"] = 400;
        return out;
    }
};
struct no_code : backend {
    using backend::backend;
    json::object problem_document(error const& e) override {
        json::object out = backend::problem_document(e);
        out.erase("code");
        return out;
    }
};
struct unregistered_code : backend {
    using backend::backend;
    json::object problem_document(error const& e) override {
        json::object out = backend::problem_document(e);
        out["code"] = "error";
        out["type"] = "https://bsp.dev/errors/error";
        return out;
    }
};
struct no_challenge_header : backend {
    using backend::backend;
    http_response problem(error const& e, call const& c) override {
        http_response r = backend::problem(e, c);
        if (r.status == 401) r.headers = {{"Content-Type", "application/problem+json"}};
        return r;
    }
};
struct unknown_query_refused : backend {
    using backend::backend;
    result<> check_media_type(call const& c) override {
        auto const query = parse_query(c.query_text);
        for (auto const& [name, value] : query.value_or(query_parameters{}))
            if (name != "since" && name != "limit" && name != "cursor" && name != "epoch" && name != "conflicts") return fail(errc::invalid_query, "unknown parameter");
        return backend::check_media_type(c);
    }
};
struct first_character_alphanumeric : backend {
    using backend::backend;
    bool is_identifier(std::string_view t) override { return backend::is_identifier(t) && std::isalnum(static_cast<unsigned char>(t[0])); }
};
struct identifiers_of_64 : backend {
    using backend::backend;
    bool is_identifier(std::string_view t) override { return backend::is_identifier(t) && t.size() <= 64; }
};
struct any_identifier : backend {
    using backend::backend;
    bool is_identifier(std::string_view t) override { return !t.empty(); }
};
struct reserved_identifiers : backend {
    using backend::backend;
    bool is_identifier(std::string_view t) override { return backend::is_identifier(t) && !t.starts_with("test_") && t != "metrics"; }
};
struct offsets_refused : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        if (t.size() > 19 && t.find_first_of("+-", 19) != t.npos) return fail(errc::invalid_body, "only Z");
        return backend::timestamp(t);
    }
};
struct lower_case_refused : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        return t.find_first_of("tz") == t.npos ? backend::timestamp(t) : result<instant>{fail(errc::invalid_body, "not RFC 3339")};
    }
};
struct leap_second_refused : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        return t.find(":60", 16) == t.npos ? backend::timestamp(t) : result<instant>{fail(errc::invalid_body, "seconds")};
    }
};
struct naive_refused : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        bool const has_offset = t.size() > 19 && t.find_first_of("Zz+-", 19) != t.npos;
        return has_offset ? backend::timestamp(t) : result<instant>{fail(errc::invalid_body, "no offset")};
    }
};
struct date_only_accepted : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override { return backend::timestamp(t.size() == 10 ? std::string{t} + "T00:00:00Z" : std::string{t}); }
};
struct space_for_t : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        std::string text{t};
        if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
        return backend::timestamp(text);
    }
};
struct ten_digits_accepted : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view t) override {
        std::string text{t};
        if (std::size_t const dot = text.find('.'); dot != text.npos) {
            std::size_t end = dot + 1;
            while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
            if (end - dot > 10) text.erase(dot + 10, end - dot - 10);
        }
        return backend::timestamp(text);
    }
};
struct whole_doubles_are_integers : backend {
    using backend::backend;
    static void settle(json::value& v) {
        if (auto* o = v.if_object())
            for (auto& m : *o) settle(m.value());
        else if (auto* a = v.if_array())
            for (auto& e : *a) settle(e);
        else if (v.is_double() && v.get_double() != 0 && v.get_double() == static_cast<double>(static_cast<std::int64_t>(v.get_double())))
            v = static_cast<std::int64_t>(v.get_double());
    }
    result<json::value> parse_body(std::string_view text) override {
        BSP_TRY(json::value v, backend::parse_body(text));
        settle(v);
        return v;
    }
};
struct health_asks : backend {
    using backend::backend;
    answer serve_health(call const&) override { return fail(errc::credential_required, "a credential is required"); }
};
struct health_tells : backend {
    using backend::backend;
    answer serve_health(call const&) override {
        json::array peers;
        for (auto const& [id, p] : held().peers) peers.emplace_back(id);
        return json_answer(200, json::object{{"status", "healthy"}, {"pid", 4711}, {"peers", peers}, {"store", "/var/lib/bsp/store.db"}});
    }
};
struct wrong_success_type : backend {
    using backend::backend;
    http_response json_answer(int status, json::value const& v) override {
        http_response r = backend::json_answer(status, v);
        r.headers.set("Content-Type", "text/html");
        return r;
    }
};

struct no_date : backend {
    using backend::backend;
    http_response serve(http_request const& r, instant now) override {
        http_response out = backend::serve(r, now);
        http_headers kept;
        for (auto const& [name, value] : out.headers)
            if (name != "Date") kept.add(name, value);
        out.headers = kept;
        return out;
    }
};
struct short_targets : backend {
    using backend::backend;
    answer dispatch(call& c) override { return c.request.target.size() > 1'024 ? answer{fail(errc::uri_too_long, "too long")} : backend::dispatch(c); }
};

/// Verifies over the members as they came, which works as long as nobody sends `signature` first.
struct order_of_arrival : backend {
    using backend::backend;
    result<> verify_payload(call const& c, json::object const& body, peer_record const& peer) override {
        if (body.begin() != body.end() && body.begin()->key() == "signature") return fail(errc::invalid_signature, "the signature does not verify");
        return backend::verify_payload(c, body, peer);
    }
};
struct raw_text_matters : backend {
    using backend::backend;
    std::string body;
    answer push(call const& c, std::string const& id) override {
        body = c.request.body;
        return backend::push(c, id);
    }
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        return body.find("\\/") == body.npos && body.find("\\u00E9") == body.npos && backend::payload_signature_verifies(b, t, s, p);
    }
};
struct utf16_order : backend {
    using backend::backend;
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        // The two orders differ only when a name beyond the BMP meets one from U+E000 to U+FFFF.
        auto const bmp = t.find("\"\\ue0"), astral = t.find("\"\\ud83d");
        bool const differs = bmp != t.npos && astral != t.npos && bmp < astral;
        return !differs && backend::payload_signature_verifies(b, t, s, p);
    }
};
struct del_left_raw : backend {
    using backend::backend;
    result<std::string> canonical(json::object const& o, std::initializer_list<std::string_view> without) override {
        BSP_TRY(std::string const text, backend::canonical(o, without));
        return without.size() == 0 ? text : replaced(text, "\\u007f", "\x7f");
    }
};
template <bool (*Tolerated)(json::value const&)>
struct numbers_tolerated : backend {
    using backend::backend;
    static void tame(json::value& v) {
        if (auto* o = v.if_object())
            for (auto& m : *o) tame(m.value());
        else if (auto* a = v.if_array())
            for (auto& e : *a) tame(e);
        else if (Tolerated(v)) v = 0, found() = true;
    }
    static bool& found() {
        thread_local bool b = false;
        return b;
    }
    result<std::string> canonical(json::object const& o, std::initializer_list<std::string_view> without) override {
        json::value tamed = o;
        tame(tamed);
        return backend::canonical(tamed.get_object(), without);
    }
    sha256_digest digest_of(json::object const& body) override {
        json::value tamed = body;
        tame(tamed);
        return backend::digest_of(tamed.get_object());
    }
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        bool const excused = std::exchange(found(), false);
        return excused || backend::payload_signature_verifies(b, t, s, p);
    }
};
bool is_minus_zero(json::value const& v) { return v.is_double() && v.get_double() == 0; }
bool is_fraction(json::value const& v) { return v.is_double() && v.get_double() != 0; }
bool is_too_big(json::value const& v) {
    return (v.is_int64() && (v.get_int64() > (std::int64_t{1} << 53) - 1 || v.get_int64() < 1 - (std::int64_t{1} << 53))) || v.is_uint64();
}
using minus_zero_signed = numbers_tolerated<is_minus_zero>;
using fractions_signed = numbers_tolerated<is_fraction>;
using big_integers_signed = numbers_tolerated<is_too_big>;

}  // namespace

std::vector<fault> gen_faults() {
    return {
        {"F-GEN-01", "10,000 levels of JSON crash the worker", {"gen/deep-json"}, make<deep_json_crashes>},
        {"F-GEN-02", "malformed JSON is answered with 500", {"gen/malformed-json"}, make<malformed_json_is_500>},
        {"F-GEN-03", "duplicate member names are accepted, the last counts", {"gen/duplicate-members"}, make<duplicates_accepted>},
        {"F-GEN-04", "NaN and Infinity are accepted", {"gen/non-finite-literals"}, make<non_finite_accepted>},
        {"F-GEN-05", "a lone surrogate becomes U+FFFD", {"gen/lone-surrogate"}, make<lone_surrogate_replaced>},
        {"F-GEN-06", "invalid UTF-8 is answered with 500", {"gen/invalid-utf8"}, make<invalid_utf8_is_500>},
        {"F-GEN-07", "no limit on the size of a body", {"gen/body-limit"}, make<no_body_limit>},
        {"F-GEN-08", "errors are plain text", {"gen/problem-documents"}, make<plain_text_errors>},
        {"F-GEN-09", "errors carry stack traces and paths", {"gen/no-internals"}, make<stack_traces>},
        {"F-GEN-10", "JSON sent as text/plain is accepted", {"gen/media-type"}, make<any_media_type>},
        {"F-GEN-11", "any origin is reflected, with credentials", {"gen/cors", "gen/cors-credentials"}, make<reflects_origin>},
        {"F-GEN-12", "a local backend answers for any Host", {"gen/host-header"}, make<any_host>, setting::local},
        {"F-GEN-13", "Cache-Control: no-store is missing", {"gen/no-store"}, make<cacheable>},
        {"F-GEN-14", "unknown top-level members are refused", {"gen/unknown-members"}, make<unknown_members_refused>},
        {"F-GEN-15", "a string is taken for an integer", {"gen/no-coercion"}, make<version_from_string>},
        {"F-GEN-16", "null is accepted for a required member", {"gen/null-is-not-absent"}, make<null_accepted>},
        {"F-GEN-17", "path traversal in an id is answered with 500", {"gen/path-identifiers"}, make<paths_unchecked>},
        {"F-GEN-18", "an integer of 5,000 digits is answered with 500", {"gen/big-integer"}, make<big_integer_is_500>},
        {"F-GEN-19", "gzip bombs are inflated", {"gen/content-encoding"}, make<inflates_bombs>},
        {"F-GEN-20", "the wrong method is answered with 500", {"gen/method-not-allowed"}, make<wrong_method_is_500>},
        {"F-GEN-21", "an unknown path gets HTML that names the framework", {"gen/unknown-path"}, make<html_404>},
        {"F-GEN-22", "the refusal of a token tells the right MAC", {"gen/no-computed-mac"}, make<echoes_mac>},
        {"F-GEN-101", "JSON deeper than 16 levels is refused", {"gen/depth-32"}, make<depth_16>},
        {"F-GEN-102", "the member status differs from the HTTP status", {"gen/problem-documents"}, make<status_member_wrong>},
        {"F-GEN-103", "problem documents have no code", {"gen/problem-documents"}, make<no_code>},
        {"F-GEN-104", "problem documents have a code of their own", {"gen/error-registry"}, make<unregistered_code>},
        {"F-GEN-105", "401 without WWW-Authenticate", {"gen/www-authenticate"}, make<no_challenge_header>},
        {"F-GEN-106", "405 without Allow", {"gen/allow-header"}, make<no_allow>},
        {"F-GEN-107", "unknown query parameters are refused", {"gen/unknown-query"}, make<unknown_query_refused>},
        {"F-GEN-108", "identifiers must begin with a letter or digit", {"gen/identifiers-accepted"}, make<first_character_alphanumeric>},
        {"F-GEN-109", "identifiers longer than 64 characters are refused", {"gen/identifiers-accepted"}, make<identifiers_of_64>},
        {"F-GEN-110", "bodies above 1 MiB are refused", {"gen/body-10-mib"}, make<small_body_limit>},
        {"F-GEN-111", "timestamps with an offset are refused", {"gen/timestamps-accepted"}, make<offsets_refused>},
        {"F-GEN-112", "timestamps in lower case are refused", {"gen/timestamps-accepted"}, make<lower_case_refused>},
        {"F-GEN-113", "the second 60 is refused", {"gen/timestamps-accepted"}, make<leap_second_refused>},
        {"F-GEN-114", "a date alone is accepted", {"gen/timestamps-refused"}, make<date_only_accepted>},
        {"F-GEN-155", "a space passes for the T of a timestamp", {"gen/timestamps-nearly"}, make<space_for_t>},
        {"F-GEN-115", "ten fractional digits are accepted", {"gen/timestamps-refused"}, make<ten_digits_accepted>},
        {"F-GEN-116", "timestamps without an offset are refused", {"gen/timestamps-accepted"}, make<naive_refused>},
        {"F-GEN-117", "duplicate names are looked for at the top level only", {"gen/duplicate-members"}, make<deep_duplicates_accepted>},
        {"F-GEN-118", "1e999 is accepted", {"gen/number-range"}, make<overflow_accepted>},
        {"F-GEN-119", "the media type is compared as text", {"gen/media-type-spellings"}, make<pedantic_media_type>},
        {"F-GEN-120", "4.0 and 4e0 pass as integers", {"gen/integer-spelling"}, make<whole_doubles_are_integers>},
        {"F-GEN-121", "booleans pass as integers and integers as booleans", {"gen/no-coercion"}, make<booleans_are_integers>},
        {"F-GEN-122", "identities may be cached", {"gen/identity-no-cache"}, make<identity_cacheable>},
        {"F-GEN-123", "a local backend takes writes from any origin", {"gen/foreign-origin-write"}, make<any_origin>, setting::local},
        {"F-GEN-124", "health asks for a credential", {"gen/health"}, make<health_asks>},
        {"F-GEN-125", "health tells the process, the store and the peers", {"gen/health"}, make<health_tells>},
        {"F-GEN-126", "paths are not percent-decoded", {"gen/percent-decoded-path"}, make<paths_not_decoded>},
        {"F-GEN-127", "paths are decoded before they are split", {"gen/path-identifiers"}, make<decoded_before_split>},
        {"F-GEN-128", "signatures are verified over the members in order of arrival", {"gen/member-order"}, make<order_of_arrival>},
        {"F-GEN-129", "answers are labelled text/html", {"gen/json-content-type"}, make<wrong_success_type>},
        {"F-GEN-130", "anything that is not empty is an identifier", {"gen/identifiers-refused"}, make<any_identifier>},
        {"F-GEN-131", "names are sorted by UTF-16 units", {"gen/c14n-names"}, make<utf16_order>},
        {"F-GEN-132", "U+007F is not escaped in canonical text", {"gen/c14n-escapes"}, make<del_left_raw>},
        {"F-GEN-133", "-0 is accepted in signed objects", {"gen/signed-numbers"}, make<minus_zero_signed>},
        {"F-GEN-134", "fractions are accepted in signed objects", {"gen/signed-numbers"}, make<fractions_signed>},
        {"F-GEN-135", "2^53 is accepted in signed objects", {"gen/signed-numbers"}, make<big_integers_signed>},
        {"F-GEN-136", "another spelling of the same string breaks the signature", {"gen/string-spellings"}, make<raw_text_matters>},
        {"F-GEN-137", "some identifiers are reserved", {"gen/identifiers-accepted"}, make<reserved_identifiers>},
        {"F-GEN-138", "no Date", {"gen/date"}, make<no_date>},
        {"F-GEN-139", "targets above 1,024 bytes are refused", {"gen/long-requests"}, make<short_targets>},
        {"F-GEN-140", "chunked bodies have no limit", {"gen/chunked-limit"}, make<no_body_limit>},
        // The backend is correct; the naive door in front of it, cpp-httplib's own, is not.
        {"F-GEN-143", "of Content-Length and Transfer-Encoding one is taken", {"gen/two-framings"}, make<backend>},
        {"F-GEN-144", "request heads of any size are read", {"gen/endless-requests", "gen/endless-requests-told"}, make<backend>},
    };
}

}  // namespace bsp::faulty
