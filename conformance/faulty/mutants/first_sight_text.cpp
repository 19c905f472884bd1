#include "../faults.hpp"
#include "lenient_json.hpp"
#include "lower.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/c14n.hpp>

#include <cryptopp/pssr.h>
#include <cryptopp/rsa.h>

#include <algorithm>
#include <functional>

/// What the habits of languages and libraries do to JSON, text, numbers, times and requests.
namespace bsp::faulty {

namespace {

/// `v` with `change` applied to every object in it, the innermost first.
json::value changed(json::value const& v, void (*change)(json::object&)) {
    if (auto const* a = v.if_array()) {
        json::array out;
        for (auto const& element : *a) out.push_back(changed(element, change));
        return json::value(std::move(out));
    }
    auto const* o = v.if_object();
    if (!o) return v;
    json::object out;
    for (auto const& member : *o) out[member.key()] = changed(member.value(), change);
    change(out);
    return json::value(std::move(out));
}

/// Conversations and messages come back changed.
template <void (*change)(json::object&)>
struct given_back : backend {
    using backend::backend;
    json::object emit_message(message const& m) override { return changed(json::value(m.received), change).get_object(); }
    json::object emit_scalars(std::string const& id, conversation const& c) override { return changed(json::value(backend::emit_scalars(id, c)), change).get_object(); }
};

void drop_proto(json::object& o) { o.erase("__proto__"); }
void empty_objects_to_arrays(json::object& o) {
    for (auto& member : o)
        if (auto const* inner = member.value().if_object(); inner && inner->empty()) member.value() = json::value(json::array{});
}
void drop_nulls(json::object& o) {
    for (auto at = o.begin(); at != o.end();) at = at->value().is_null() ? o.erase(at) : at + 1;
}
bool is_known(std::string_view name) {
    static constexpr std::string_view known[] = {"conversation_id", "version", "messages", "surfaces", "last_modified", "source_backend", "title",
                                                 "deleted",         "redacted", "id",      "role",     "content",       "timestamp",      "surface"};
    return std::find(std::begin(known), std::end(known), name) != std::end(known);
}
bool is_zero(json::value const& v) {
    return v.is_null() || v == json::value(false) || v == json::value(0) || v == json::value("") || (v.is_array() && v.get_array().empty());
}
void drop_zeros(json::object& o) {
    for (auto at = o.begin(); at != o.end();) at = !is_known(json::view(at->key())) && is_zero(at->value()) ? o.erase(at) : at + 1;
}
void dots_to_underscores(json::object& o) {
    json::object out;
    for (auto const& member : o) out[replaced(json::view(member.key()), ".", "_")] = member.value();
    o = std::move(out);
}
void cut_to_32_bits(json::object& o) {
    for (auto& member : o)
        if (auto* number = member.value().if_int64(); number && !is_known(json::view(member.key()))) *number = std::clamp<std::int64_t>(*number, -2'147'483'648, 2'147'483'647);
}

struct content_counted_in_characters : backend {
    using backend::backend;
    result<> check_content(std::string_view content) override {
        auto const characters = std::count_if(content.begin(), content.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
        return characters > (1 << 20) ? result<>{fail(errc::invalid_body, "content is too long")} : ok();
    }
};
struct labels_counted_in_bytes : backend {
    using backend::backend;
    bool is_label(std::string_view text) override { return text.size() <= 128 && backend::is_label(text); }
};
struct labels_counted_in_units : backend {
    using backend::backend;
    bool is_label(std::string_view text) override {
        std::size_t units = 0;
        for (char c : text) units += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? (static_cast<unsigned char>(c) >= 0xF0 ? 2u : 1u) : 0u;
        return units <= 128 && backend::is_label(text);
    }
};

// ---- canonical text ----

/// C14N-1 with another order of names or another spelling of strings.
struct spelling {
    std::function<bool(std::string_view, std::string_view)> before = std::less<>{};
    std::function<std::string(std::string)> string_text = [](std::string s) { return s; };

    std::string write(json::value const& v) const {
        if (auto const* o = v.if_object()) return write(*o, {});
        if (v.is_string()) return string_text(json::canonicalize(v).value());
        auto const* a = v.if_array();
        if (!a) return json::canonicalize(v).value();
        std::string out = "[";
        for (auto const& element : *a) out += (out.size() > 1 ? ", " : "") + write(element);
        return out + "]";
    }
    std::string write(json::object const& o, std::initializer_list<std::string_view> without) const {
        std::vector<std::string_view> names;
        for (auto const& member : o)
            if (std::find(without.begin(), without.end(), json::view(member.key())) == without.end()) names.push_back(json::view(member.key()));
        std::sort(names.begin(), names.end(), before);
        std::string out = "{";
        for (auto const name : names) out += (out.size() > 1 ? ", " : "") + write(json::value(name)) + ": " + write(o.at(name));
        return out + "}";
    }
};
template <spelling (*make_spelling)()>
struct canonical_as : backend {
    using backend::backend;
    result<std::string> canonical(json::object const& o, std::initializer_list<std::string_view> without) override {
        BSP_CHECK(backend::canonical(o, without));
        return make_spelling().write(o, without);
    }
};

/// Replaces what follows a backslash, wherever it is not itself escaped.
std::string with_escapes(std::string const& text, std::string_view from, std::string_view to) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\') {
            out += text[at];
            continue;
        }
        out += text[at] == '\\' && text[at + 1] == from.back() ? std::string{to} : std::string{text.substr(at, 2)};
        ++at;
    }
    return out;
}
spelling names_without_case() {
    return {.before = [](std::string_view a, std::string_view b) { return std::pair{lower(a), a} < std::pair{lower(b), b}; }};
}
spelling names_as_numbers() {
    return {.before = [](std::string_view a, std::string_view b) {
        auto const number = [](std::string_view s) { return !s.empty() && s.size() < 10 && s.find_first_not_of("0123456789") == std::string_view::npos; };
        if (number(a) && number(b)) return std::stol(std::string{a}) < std::stol(std::string{b});
        return a < b;
    }};
}
spelling html_safe() {
    return {.string_text = [](std::string s) { return replaced(replaced(replaced(s, "<", "\\u003c"), ">", "\\u003e"), "&", "\\u0026"); }};
}
spelling no_short_b_and_f() {
    return {.string_text = [](std::string s) { return with_escapes(with_escapes(s, "b", "\\u0008"), "f", "\\u000c"); }};
}

// ---- times ----

struct offsets_up_to_18_hours : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view text) override {
        if (text.size() > 6 && text[text.size() - 3] == ':' && (text[text.size() - 6] == '+' || text[text.size() - 6] == '-') && text.substr(text.size() - 5) > "18:00")
            return fail(errc::invalid_body, "Zone offset not in valid range");
        return backend::timestamp(text);
    }
};
struct instants_of_64_bits : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view text) override {
        BSP_TRY(instant const t, backend::timestamp(text));
        auto const wrapped = static_cast<std::int64_t>(static_cast<std::uint64_t>(t.seconds) * 1'000'000'000u + t.nanoseconds);
        return instant{} + std::chrono::nanoseconds{wrapped};
    }
};
struct two_digit_years : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view text) override { return backend::timestamp(text.starts_with("00") ? "19" + std::string{text.substr(2)} : std::string{text}); }
};
struct leap_second_is_59 : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view text) override {
        BSP_CHECK(backend::timestamp(text));
        std::string mended{text};
        if (mended.substr(17, 2) == "60") mended.replace(17, 2, "59");
        return backend::timestamp(mended);
    }
};

// ---- order and identity ----

template <bool (*before)(message const&, message const&)>
struct read_in_order : backend {
    using backend::backend;
    std::vector<message const*> sorted_messages(conversation const& c) override {
        auto sorted = backend::sorted_messages(c);
        std::stable_sort(sorted.begin(), sorted.end(), [](message const* a, message const* b) { return before(*a, *b); });
        return sorted;
    }
};
bool milliseconds_then_id(message const& a, message const& b) {
    auto const key = [](message const& m) { return std::tuple{m.written.seconds, m.written.nanoseconds / 1'000'000, m.id}; };
    return key(a) < key(b);
}
bool id_without_case(message const& a, message const& b) { return std::tuple{a.written, lower(a.id), a.id} < std::tuple{b.written, lower(b.id), b.id}; }
bool id_in_natural_order(message const& a, message const& b) {
    // A longer run of digits is a greater number.
    auto const key = [](std::string const& id) {
        std::string out;
        for (std::size_t at = 0; at < id.size();) {
            std::size_t const end = std::min(id.find_first_not_of("0123456789", at), id.size());
            if (end == at) out += id[at++];
            else {
                out += std::string(12 - std::min<std::size_t>(12, end - at), '0') + id.substr(at, end - at);
                at = end;
            }
        }
        return out;
    };
    return std::pair{a.written, key(a.id)} < std::pair{b.written, key(b.id)};
}
struct ids_are_numbers : backend {
    using backend::backend;
    result<message> make_message(json::object received, std::string id, std::int64_t version, instant written, bool deleted, bool redacted) override {
        if (id.find_first_not_of("0123456789") == std::string::npos) id.erase(0, std::min(id.find_first_not_of('0'), id.size() - 1));
        return backend::make_message(std::move(received), std::move(id), version, written, deleted, redacted);
    }
};

// ---- paths, queries and media types ----

struct suffix_is_a_format : backend {
    using backend::backend;
    std::optional<std::vector<std::string>> split_path(std::string_view path) override {
        auto segments = backend::split_path(path);
        if (segments && !segments->empty() && segments->back().ends_with(".json")) segments->back().resize(segments->back().size() - 5);
        return segments;
    }
};
struct path_parameters_dropped : backend {
    using backend::backend;
    std::optional<std::vector<std::string>> split_path(std::string_view path) override {
        std::string kept;
        for (std::size_t at = 0; at < path.size(); ++at) {
            if (path[at] == ';') at = std::min(path.find('/', at), path.size());
            if (at < path.size()) kept += path[at];
        }
        return backend::split_path(kept);
    }
};
struct decoded_twice : backend {
    using backend::backend;
    std::optional<std::vector<std::string>> split_path(std::string_view path) override {
        auto segments = backend::split_path(path);
        if (segments)
            for (auto& s : *segments) s = percent_decode(s).value_or(s);
        return segments;
    }
};
struct media_type_by_prefix : backend {
    using backend::backend;
    result<> check_media_type(call const& c) override {
        std::string const* type = c.request.headers.find("Content-Type");
        return type && lower(*type).starts_with("application/json") ? ok() : backend::check_media_type(c);
    }
};
struct no_media_type_is_json : backend {
    using backend::backend;
    result<> check_media_type(call const& c) override { return c.request.headers.find("Content-Type") ? backend::check_media_type(c) : ok(); }
};
struct writes_of_any_media_type : backend {
    using backend::backend;
    result<> check_media_type(call const& c) override { return c.segments.front() == "conversations" ? ok() : backend::check_media_type(c); }
};
struct empty_parameters_absent : backend {
    using backend::backend;
    answer pull(call const& c, std::string const& id) override { return backend::pull(without_empty(c), id); }
    answer list_conversations(call const& c) override { return backend::list_conversations(without_empty(c)); }

private:
    static call without_empty(call c) {
        std::erase_if(c.query, [](auto const& p) { return p.second.empty(); });
        return c;
    }
};
struct method_in_query : backend {
    using backend::backend;
    http_response serve(http_request const& request, instant now) override {
        auto const query = parse_query(split_target(request.target).query);
        if (query && request.method == "POST")
            for (auto const& [name, value] : *query)
                if (name == "_method") {
                    http_request other = request;
                    other.method = value;
                    return backend::serve(other, now);
                }
        return backend::serve(request, now);
    }
};
struct errors_readable_everywhere : backend {
    using backend::backend;
    http_response problem(error const& e, call const& c) override {
        http_response r = backend::problem(e, c);
        r.headers.add("Access-Control-Allow-Origin", "*");
        return r;
    }
};
struct host_by_prefix : backend {
    using backend::backend;
    result<> check_host(call const& c) override {
        std::string const* host = c.request.headers.find("Host");
        return host && (host->starts_with("localhost") || host->starts_with("127.0.0.1")) ? ok() : backend::check_host(c);
    }
};
struct null_origin_let_in : backend {
    using backend::backend;
    result<> check_origin(call const& c) override {
        std::string const* origin = c.request.headers.find("Origin");
        return origin && *origin == "null" ? ok() : backend::check_origin(c);
    }
};
struct origin_of_posts_only : backend {
    using backend::backend;
    result<> check_origin(call const& c) override { return c.request.method == "POST" ? backend::check_origin(c) : ok(); }
};

// ---- credentials ----

struct fractional_claims : backend {
    using backend::backend;
    result<> read_claims(json::fields const& f, assertion& a) override {
        json::object claims = f.get();
        for (char const* name : {"iat", "exp"})
            if (json::value* v = claims.if_contains(name); v && v->is_double()) *v = static_cast<std::int64_t>(v->get_double());
        return backend::read_claims(json::fields{claims}, a);
    }
};
struct iat_optional : backend {
    using backend::backend;
    result<> read_claims(json::fields const& f, assertion& a) override {
        json::object claims = f.get();
        if (json::value const* exp = claims.if_contains("exp"); exp && exp->is_int64() && !claims.contains("iat")) claims["iat"] = exp->get_int64() - 60;
        return backend::read_claims(json::fields{claims}, a);
    }
};
struct last_claim_counts : backend {
    using backend::backend;
    result<assertion> read_assertion(std::string_view compact) override {
        // Each of the first two parts is read forgivingly and written anew; the signature is over what came.
        std::size_t const first = compact.find('.'), second = first == std::string_view::npos ? first : compact.find('.', first + 1);
        if (second == std::string_view::npos) return backend::read_assertion(compact);
        std::string mended;
        for (auto part : {compact.substr(0, first), compact.substr(first + 1, second - first - 1)}) {
            auto const text = decode_part(part);
            auto const v = text ? parse_leniently({reinterpret_cast<char const*>(text->data()), text->size()}) : fail(errc::malformed_body, "");
            if (!v) return backend::read_assertion(compact);
            mended += to_base64url(as_bytes(json::serialize(*v))) + '.';
        }
        BSP_TRY(assertion a, backend::read_assertion(mended + std::string{compact.substr(second + 1)}));
        a.signing_input = compact.substr(0, second);
        return a;
    }
};
struct typ_without_case : backend {
    using backend::backend;
    result<> check_header(assertion const& a, std::string_view alg, std::string_view typ) override {
        assertion mended = a;
        if (auto const* given = json::find_string(a.header, "typ")) mended.header["typ"] = lower(json::view(*given));
        return backend::check_header(mended, alg, typ);
    }
};
struct fourth_part_ignored : backend {
    using backend::backend;
    result<assertion> read_assertion(std::string_view compact) override {
        std::size_t dots = 0;
        for (std::size_t at = 0; at < compact.size(); ++at)
            if (compact[at] == '.' && ++dots == 3) return backend::read_assertion(compact.substr(0, at));
        return backend::read_assertion(compact);
    }
};
struct sha_512_accepted : backend {
    using backend::backend;
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        if (backend::payload_signature_verifies(b, t, s, p)) return true;
        auto const n = read_public_pem(p.key.pem()).value();
        CryptoPP::RSA::PublicKey key;
        key.Initialize(CryptoPP::Integer{n.modulus.data(), n.modulus.size()}, CryptoPP::Integer{n.exponent.data(), n.exponent.size()});
        CryptoPP::RSASS<CryptoPP::PSS, CryptoPP::SHA512>::Verifier const v{key};
        byte_view const m = as_bytes(t);
        return v.VerifyMessage(m.data(), m.size(), s.data(), s.size());
    }
};
struct admin_token_with_more : backend {
    using backend::backend;
    result<principal> authenticate_admin(std::string_view token) override {
        if (!config().admin_token.empty() && token.starts_with(config().admin_token)) token = config().admin_token;
        return backend::authenticate_admin(token);
    }
};

// ---- registrations and writes ----

struct lifetime_in_seconds : backend {
    using backend::backend;
    result<> check_lifetime(token const& t) override { return t.expires > t.created && t.expires.seconds - t.created.seconds <= 28'860 ? ok() : backend::check_lifetime(t); }
};
struct fingerprints_in_any_case : backend {
    using backend::backend;
    result<token> decode_token(json::fields const& f) override {
        json::object mended = f.get();
        for (char const* name : {"local_key_sha256", "hosted_key_sha256"})
            if (auto const* text = json::find_string(mended, name)) mended[name] = lower(std::string{json::view(*text)});
        BSP_TRY(token t, backend::decode_token(json::fields{mended}));
        t.received = f.get();
        return t;
    }
};
struct challenge_in_any_base64 : backend {
    using backend::backend;
    result<std::optional<std::string>> challenge_of(json::fields const& body) override {
        BSP_TRY(auto const given, body.optional_string("challenge"));
        if (!given) return std::optional<std::string>{};
        auto const decoded = from_base64url(replaced(replaced(*given, "+", "-"), "/", "_"));
        return decoded && decoded->size() == 32 ? result<std::optional<std::string>>{std::optional<std::string>{*given}} : backend::challenge_of(body);
    }
};
struct null_is_absent_in_registrations : backend {
    using backend::backend;
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, backend::parse_object(c));
        if (c.segments.front() == "register-peer")
            for (char const* name : {"challenge", "endpoints"})
                if (json::value const* v = body.if_contains(name); v && v->is_null()) body.erase(name);
        return body;
    }
};
struct empty_content_unwritten : backend {
    using backend::backend;
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, backend::parse_object(c));
        if (c.segments.front() == "conversations" && body.if_contains("content") && body.at("content") == json::value("")) return fail(errc::invalid_body, "content is required");
        return body;
    }
};
struct empty_title_unwritten : backend {
    using backend::backend;
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, backend::parse_object(c));
        if (c.segments.front() == "conversations" && body.if_contains("title") && body.at("title") == json::value("")) body.erase("title");
        return body;
    }
};
struct edits_of_case_unseen : backend {
    using backend::backend;
    bool repeats(message const& m, json::object const& body) override {
        json::object as_held = body;
        auto const *given = json::find_string(body, "content"), *stored = json::find_string(m.received, "content");
        if (given && stored && lower(json::view(*given)) == lower(json::view(*stored))) as_held["content"] = *stored;
        return backend::repeats(m, as_held);
    }
};

}  // namespace

std::vector<fault> first_sight_text_faults() {
    return {
        tried(1, false, {"F-SYN-400", "a member __proto__ is dropped", {"syn/unknown-members-kept"}, make<given_back<drop_proto>>}),
        tried(1, true, {"F-SYN-401", "empty objects come back as empty arrays", {"syn/unknown-members-kept"}, make<given_back<empty_objects_to_arrays>>}),
        tried(1, true, {"F-SYN-402", "null within unknown members is dropped", {"syn/unknown-members-kept"}, make<given_back<drop_nulls>>}),
        tried(1, true, {"F-SYN-403", "unknown members that are false, 0 or empty are dropped", {"syn/unknown-members-kept"}, make<given_back<drop_zeros>>}),
        tried(1, false, {"F-SYN-404", "a dot in the name of an unknown member becomes an underscore", {"syn/unknown-members-kept"}, make<given_back<dots_to_underscores>>}),
        tried(1, true, {"F-SYN-405", "integers in unknown members are cut to 32 bits", {"syn/unknown-members-kept"}, make<given_back<cut_to_32_bits>>}),
        tried(1, true, {"F-SYN-407", "the length of content is counted in characters", {"syn/content-too-large"}, make<content_counted_in_characters>}),
        tried(1, true, {"F-SYN-408", "the length of labels is counted in bytes", {"syn/labels"}, make<labels_counted_in_bytes>}),
        tried(1, true, {"F-SYN-409", "the length of labels is counted in UTF-16 units", {"syn/labels"}, make<labels_counted_in_units>}),
        tried(1, true, {"F-GEN-210", "names are sorted without case", {"gen/c14n-names"}, make<canonical_as<names_without_case>>}),
        tried(1, false, {"F-GEN-211", "names of digits are sorted as numbers", {"gen/c14n-names"}, make<canonical_as<names_as_numbers>>}),
        tried(1, true, {"F-GEN-212", "<, > and & are escaped in canonical text", {"gen/c14n-escapes", "sbt/non-ascii", "reg/opaque-backend-id"}, make<canonical_as<html_safe>>}),
        tried(1, true, {"F-GEN-213", "U+0008 and U+000C have no short form in canonical text", {"gen/c14n-escapes", "sbt/non-ascii", "syn/content-verbatim"}, make<canonical_as<no_short_b_and_f>>}),
        tried(1, true, {"F-GEN-214", "offsets of more than 18 hours are refused", {"gen/timestamps-accepted"}, make<offsets_up_to_18_hours>}),
        tried(1, true, {"F-GEN-215", "instants are 64 bits of nanoseconds and wrap around", {"syn/message-far-ahead", "syn/since-future", "gen/calendar"}, make<instants_of_64_bits>}),
        tried(1, true, {"F-GEN-216", "the years 0 to 99 are those of the twentieth century", {"mrg/far-dates"}, make<two_digit_years>}),
        tried(1, false, {"F-GEN-217", "the second 60 is the second 59", {"mrg/leap-second"}, make<leap_second_is_59>}),
        tried(1, true, {"F-SYN-411", "messages are sorted by milliseconds", {"mrg/order"}, make<read_in_order<milliseconds_then_id>>}),
        tried(1, true, {"F-SYN-412", "messages of one instant are sorted without case", {"mrg/order"}, make<read_in_order<id_without_case>>}),
        tried(1, true, {"F-SYN-413", "messages of one instant are sorted by the numbers in their ids", {"mrg/order"}, make<read_in_order<id_in_natural_order>>}),
        tried(1, false, {"F-SYN-414", "message ids of digits are compared as numbers", {"mrg/ids-exact"}, make<ids_are_numbers>}),
        tried(1, false, {"F-SYN-415", "an id in a path loses .json at its end", {"mrg/ids-exact"}, make<suffix_is_a_format>}),
        tried(1, false, {"F-GEN-218", "what follows a semicolon in a path is dropped", {"gen/path-identifiers"}, make<path_parameters_dropped>}),
        tried(1, false, {"F-GEN-219", "paths are percent-decoded twice", {"gen/path-identifiers"}, make<decoded_twice>}),
        tried(1, true, {"F-GEN-220", "media types that begin with application/json are taken for it", {"gen/media-type"}, make<media_type_by_prefix>}),
        tried(1, true, {"F-GEN-221", "a body without a media type is taken for JSON", {"gen/media-type"}, make<no_media_type_is_json>}),
        tried(1, false, {"F-GEN-222", "writes may have any media type", {"gen/media-type"}, make<writes_of_any_media_type>}),
        tried(1, true, {"F-GEN-223", "an empty query parameter counts as absent", {"syn/limit-digits"}, make<empty_parameters_absent>}),
        tried(1, false, {"F-GEN-225", "the query parameter _method replaces the method", {"gen/unknown-query"}, make<method_in_query>}),
        tried(1, true, {"F-GEN-226", "errors may be read from every origin", {"gen/cors-everywhere"}, make<errors_readable_everywhere>}),
        tried(1, true, {"F-GEN-227", "a local backend answers for hosts that begin with a loopback name", {"gen/host-header"}, make<host_by_prefix>, setting::local}),
        tried(1, true, {"F-GEN-228", "a local backend takes writes from the origin null", {"gen/foreign-origin-write"}, make<null_origin_let_in>, setting::local}),
        tried(1, true, {"F-GEN-229", "a local backend takes deletions from any origin", {"gen/foreign-origin-write"}, make<origin_of_posts_only>, setting::local}),
        tried(1, true, {"F-SYN-416", "iat and exp may have a fraction", {"aut/claim-types"}, make<fractional_claims>}),
        tried(1, true, {"F-SYN-417", "iat may be missing", {"aut/claims-required"}, make<iat_optional>}),
        tried(1, false, {"F-SYN-418", "of two claims of one name the last counts", {"aut/lenient-form"}, make<last_claim_counts>}),
        tried(1, true, {"F-SYN-419", "the typ of an assertion is compared without case", {"aut/typ"}, make<typ_without_case>}),
        tried(1, true, {"F-SYN-420", "PSS signatures with SHA-512 are accepted", {"syn/signature-scheme"}, make<sha_512_accepted>}),
        tried(1, true, {"F-SYN-421", "a fourth part of an assertion is ignored", {"aut/compact-form"}, make<fourth_part_ignored>}),
        tried(1, true, {"F-PEER-120", "a token that begins with the admin token is accepted", {"peer/admin-token"}, make<admin_token_with_more>}),
        tried(1, true, {"F-REG-190", "the lifetime of a token is counted in whole seconds", {"sbt/lifetime"}, make<lifetime_in_seconds>}),
        tried(1, false, {"F-REG-191", "fingerprints in upper case are accepted", {"sbt/fingerprint-of-peer"}, make<fingerprints_in_any_case>}),
        tried(1, true, {"F-REG-192", "a challenge in the standard base64 alphabet is accepted", {"reg/challenge-form"}, make<challenge_in_any_base64>}),
        tried(1, true, {"F-REG-193", "null counts as absent in a registration", {"reg/challenge-form", "reg/endpoints-form"}, make<null_is_absent_in_registrations>}),
        tried(1, false, {"F-SYN-422", "a write with an empty content is refused", {"cnv/edit"}, make<empty_content_unwritten>}),
        tried(1, false, {"F-SYN-423", "an empty title of a write is ignored", {"cnv/title"}, make<empty_title_unwritten>}),
        tried(1, false, {"F-SYN-424", "an edit that changes case alone is taken for a repetition", {"cnv/edit"}, make<edits_of_case_unseen>}),
    };
}

}  // namespace bsp::faulty
