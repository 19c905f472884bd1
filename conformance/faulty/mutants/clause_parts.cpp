#include "clause_parts.hpp"
#include "moments.hpp"

#include <bsp/crypto/sha256.hpp>

#include <algorithm>

/// Of a clause with several parts, or a table with several rows, one part is read wrongly: a limit at the limit itself, one of
/// several fields, one of several members, one of two equivalent forms.
namespace bsp::faulty {

namespace {

using base = observed_backend;

std::string_view path_of(call const& c) { return c.path.substr(0, c.path.find('?')); }

// ---- HTTP ----

struct any_json_suffix : base {
    using base::base;
    result<> check_media_type(call const& c) override {
        auto const* type = c.request.headers.find("Content-Type");
        return type && type->substr(0, type->find(';')).ends_with("+json") ? ok() : base::check_media_type(c);
    }
};
struct settings_of_any_type : base {
    using base::base;
    result<> check_media_type(call const& c) override { return c.request.method == "PUT" ? ok() : base::check_media_type(c); }
};
template <int Minutes>
struct date_is_off : base {
    using base::base;
    void finish(call const& c, http_response& r) override {
        base::finish(c, r);
        r.headers.set("Date", http_date(c.now + std::chrono::minutes{Minutes}));
    }
};
struct date_of_the_start : base {
    using base::base;
    void finish(call const& c, http_response& r) override {
        base::finish(c, r);
        r.headers.set("Date", http_date(created()));
    }
};
template <char const* Path>
struct no_queries_at : base {
    using base::base;
    answer dispatch(call& c) override {
        if (path_of(c) == Path && !c.query_text.empty()) return fail(errc::invalid_query, "there are no parameters");
        return base::dispatch(c);
    }
};
constexpr char health_path[] = "/health", identity_path[] = "/identity", settings_path[] = "/privacy-settings", peers_path[] = "/peers";

struct preflights_without_put : base {
    using base::base;
    void finish(call const& c, http_response& r) override {
        base::finish(c, r);
        if (auto const* methods = r.headers.find("Access-Control-Allow-Methods"); methods && methods->find("PUT") != std::string::npos) r.headers.set("Access-Control-Allow-Methods", "GET");
    }
};
struct puts_from_any_origin : base {
    using base::base;
    result<> check_origin(call const& c) override { return c.request.method == "PUT" ? ok() : base::check_origin(c); }
};
struct supported_is_a_text : base {
    using base::base;
    json::object problem_document(error const& e) override {
        auto out = base::problem_document(e);
        if (out.contains("supported")) out["supported"] = "1.0";
        return out;
    }
};
struct supported_are_numbers : base {
    using base::base;
    json::object problem_document(error const& e) override {
        auto out = base::problem_document(e);
        if (out.contains("supported")) out["supported"] = json::array{1.0};
        return out;
    }
};
struct versions_with_zeros : base {
    using base::base;
    result<> check_version(claimed_identity const& who) override {
        auto other = who;
        while (other.version.size() > 3 && other.version.starts_with("1.0") && other.version.back() == '0') other.version.pop_back();
        return base::check_version(other);
    }
};
struct versions_that_begin_with_one : base {
    using base::base;
    result<> check_version(claimed_identity const& who) override {
        auto other = who;
        if (other.version.starts_with("10.") || other.version.starts_with("11.")) other.version = "1.0";
        return base::check_version(other);
    }
};
template <std::size_t Bytes>
struct targets_shorter_than : base {
    using base::base;
    answer dispatch(call& c) override {
        if (c.request.target.size() >= Bytes) return fail(errc::uri_too_long, "the request target is too long");
        return base::dispatch(c);
    }
};
struct heads_of_6_kib : base {
    using base::base;
    answer dispatch(call& c) override {
        std::size_t size = 0;
        for (auto const& [name, value] : c.request.headers) size += name.size() + value.size() + 4;
        if (size > 6 * 1024) return fail(errc::headers_too_large, "the header section is too large");
        return base::dispatch(c);
    }
};
struct just_less_than_10_mib : base {
    using base::base;
    std::size_t body_bytes_max() override { return (10u << 20) - 1; }
};
struct only_499_conversations : base {
    using base::base;
    result<> check_counts(json::array const& all) override {
        if (all.size() >= 500) return fail(errc::payload_too_large, "too many conversations");
        return ok();
    }
};
struct content_less_than_1_mib : base {
    using base::base;
    result<> check_content(std::string_view content) override {
        if (content.size() >= (1u << 20)) return fail(errc::invalid_body, "content is too long");
        return ok();
    }
};
struct writes_of_any_size : knows_local_writes<base> {
    using knows_local_writes::knows_local_writes;
    result<> check_content(std::string_view content) override { return writing_ ? ok() : base::check_content(content); }
};

// ---- labels ----

/// Labels of pushes, or of writes, may have up to 255 characters.
template <bool Pushes>
struct labels_of_255 : knows_local_writes<base> {
    using knows_local_writes::knows_local_writes;
    bool is_label(std::string_view text) override { return base::is_label(text) || (writing_ != Pushes && text.size() > 128 && text.size() < 256 && base::is_label(text.substr(0, 128))); }
};
/// An empty label passes in pushes, or in writes.
template <bool Pushes>
struct empty_labels : knows_local_writes<base> {
    using knows_local_writes::knows_local_writes;
    bool is_label(std::string_view text) override { return base::is_label(text) || (writing_ != Pushes && text.empty()); }
};

// ---- registrations ----

struct session_ids_of_any_form : base {
    using base::base;
    result<token> decode_token(json::fields const& f) override {
        auto const* given = json::find_string(f.get(), "session_id");
        if (!given || is_identifier(json::view(*given)) || given->empty()) return base::decode_token(f);
        json::object with = f.get();
        with["session_id"] = "any";
        BSP_TRY(token t, base::decode_token(json::fields{with}));
        t.received = f.get();
        return t;
    }
};
struct short_session_ids : base {
    using base::base;
    result<token> decode_token(json::fields const& f) override {
        if (text_of_member(f.get(), "session_id").size() > 64) return f.invalid("session_id", "must have 64 characters at most");
        return base::decode_token(f);
    }
};
struct null_fingerprints : base {
    using base::base;
    result<token> decode_token(json::fields const& f) override {
        json::object with = f.get();
        for (char const* name : {"local_key_sha256", "hosted_key_sha256", "sbt_id"})
            if (auto const* v = with.if_contains(name); v && v->is_null()) with.erase(name);
        BSP_TRY(token t, base::decode_token(json::fields{with}));
        t.received = f.get();
        return t;
    }
};
struct endpoints_may_be_null : base {
    using base::base;
    result<> check_endpoints(json::fields const& body) override {
        auto const* v = body.find("endpoints");
        return v && v->is_null() ? ok() : base::check_endpoints(body);
    }
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        if (auto const* v = body.find("endpoints"); v && !v->is_null()) base::note_endpoints(body, t, peer);
    }
};
/// Of the three members the last is not looked for.
struct two_endpoints_are_enough : base {
    using base::base;
    result<> check_endpoints(json::fields const& body) override {
        BSP_TRY(auto const given, body.optional_object("endpoints"));
        if (!given || given->find("telemetry_endpoint")) return base::check_endpoints(body);
        BSP_CHECK(text_of(*given, "peer_id"));
        BSP_CHECK(text_of(*given, "sync_endpoint"));
        return ok();
    }
    void note_endpoints(json::fields const& body, token const& t, peer_record& peer) override {
        if (auto const given = body.optional_object("endpoints"); given && *given && (*given)->find("telemetry_endpoint")) base::note_endpoints(body, t, peer);
    }
};
/// What comes after the scheme is not looked at, nor whether there is one.
template <bool Relative>
struct endpoints_partly_read : base {
    using base::base;
    result<> check_endpoints(json::fields const& body) override {
        BSP_TRY(auto const given, body.optional_object("endpoints"));
        if (!given) return ok();
        for (char const* name : {"peer_id", "sync_endpoint", "telemetry_endpoint"}) {
            BSP_TRY(std::string const text, text_of(*given, name));
            if (text.empty() || (Relative ? text.size() > 2048 : text.starts_with('/'))) return given->invalid(name, "is no URL");
        }
        return ok();
    }
};
struct empty_capability : base {
    using base::base;
    result<json::array> capabilities_of(json::fields const& f) override {
        auto const* given = f.find("capabilities");
        if (!given || !given->is_array()) return base::capabilities_of(f);
        json::object kept{{"capabilities", json::array{}}};
        for (auto const& c : given->get_array())
            if (!c.is_string() || !c.get_string().empty()) kept["capabilities"].as_array().push_back(c);
        return base::capabilities_of(json::fields{kept});
    }
};
struct fewer_capabilities : base {
    using base::base;
    result<json::array> capabilities_of(json::fields const& f) override {
        BSP_TRY(auto out, base::capabilities_of(f));
        if (out.size() > 32) return f.invalid("capabilities", "too many");
        for (auto const& c : out)
            if (c.as_string().size() > 64) return f.invalid("capabilities", "too long");
        return out;
    }
};
struct backend_ids_of_64 : base {
    using base::base;
    result<> check_backend_id(claimed_identity const& who) override {
        if (who.backend_id.size() > 100) return fail(errc::invalid_body, "/backend_identity/backend_id is too long");
        return base::check_backend_id(who);
    }
};
struct backend_ids_without_quotes : base {
    using base::base;
    result<> check_backend_id(claimed_identity const& who) override {
        if (who.backend_id.find_first_of("\"'<>\\%&") != std::string::npos) return fail(errc::invalid_body, "/backend_identity/backend_id has a character that is not allowed");
        return base::check_backend_id(who);
    }
};
struct keys_up_to_3072 : base {
    using base::base;
    result<rsa_public_key> read_key(std::string const& pem) override {
        if (pem.size() > 700) return fail(errc::invalid_key, "the key is too long");
        return base::read_key(pem);
    }
};
struct keys_within_text : base {
    using base::base;
    result<rsa_public_key> read_key(std::string const& pem) override {
        static constexpr std::string_view begin = "-----BEGIN PUBLIC KEY-----", end = "-----END PUBLIC KEY-----";
        auto const from = pem.find(begin), to = pem.find(end);
        if (from == std::string::npos || to == std::string::npos || to < from) return base::read_key(pem);
        return base::read_key(pem.substr(from, to + end.size() - from) + "\n");
    }
};
struct lifetime_less_than_the_most : base {
    using base::base;
    result<> check_lifetime(token const& t) override {
        if (t.expires >= t.created + std::chrono::seconds{28'860}) return fail(errc::invalid_sbt, "it lives too long");
        return base::check_lifetime(t);
    }
};
struct four_minutes_ahead : base {
    using base::base;
    result<> check_created(token const& t, instant now) override {
        if (t.created > now + std::chrono::minutes{4}) return fail(errc::invalid_sbt, "it was created in the future");
        return ok();
    }
};
struct telemetry_by_the_host : base {
    using base::base;
    json::object registration_answer(call const& c, peer_record const& peer, std::optional<std::string> const& challenge) override {
        auto out = base::registration_answer(c, peer, challenge);
        if (auto const* host = c.request.headers.find("Host")) out["telemetry_endpoint"] = "ws://" + *host + "/telemetry/" + peer.peer_id;
        return out;
    }
};
struct telemetry_at_another_path : base {
    using base::base;
    json::object registration_answer(call const& c, peer_record const& peer, std::optional<std::string> const& challenge) override {
        auto out = base::registration_answer(c, peer, challenge);
        out["telemetry_endpoint"] = config().base_url + "/ws/telemetry/" + peer.peer_id;
        return out;
    }
};

// ---- assertions ----

struct alg_without_case : base {
    using base::base;
    result<> check_header(assertion const& a, std::string_view alg, std::string_view typ) override {
        assertion same = a;
        if (http_headers::same_name(text_of_member(a.header, "alg"), alg)) same.header["alg"] = alg;
        return base::check_header(same, alg, typ);
    }
};
struct less_than_300_seconds : base {
    using base::base;
    result<> check_times(call const& c, assertion const& a) override {
        if (a.exp - a.iat >= 300) return fail(errc::invalid_credential, "exp is not within 300 s after iat");
        return base::check_times(c, a);
    }
};

// ---- pushes ----

struct repetitions_by_their_text : base {
    using base::base;
    sha256_digest digest_of(json::object const& body) override { return sha256(json::serialize(body.at("conversations"))); }
};
struct ahead_by_the_clock_on_the_wall : base {
    using base::base;
    result<instant> timestamp(std::string_view text) override {
        last_ = std::string{text};
        return base::timestamp(text);
    }
    result<> check_ahead(instant t, instant now) override {
        if (last_.size() < 6 || (last_[last_.size() - 6] != '+' && last_[last_.size() - 6] != '-')) return base::check_ahead(t, now);
        auto const local = base::timestamp(last_.substr(0, last_.size() - 6));
        return base::check_ahead(local ? *local : t, now);
    }

private:
    std::string last_;
};

}  // namespace

std::vector<fault> clause_part_faults() {
    std::vector<fault> out{
        tried(4, true, {"F-GEN-710", "every media type that ends in +json is taken for JSON", {"gen/media-type"}, make<any_json_suffix>}),
        tried(4, false, {"F-GEN-711", "settings are taken in any media type", {"gen/media-type"}, make<settings_of_any_type>}),
        tried(4, false, {"F-GEN-712", "Date is that of the start", {"gen/date"}, make<date_of_the_start>}),
        tried(4, true, {"F-GEN-713", "Date is local time called GMT", {"gen/media-type-spellings", "sbt/seed-vector"}, make<date_is_off<120>>}),
        tried(4, true, {"F-GEN-714", "health takes no query", {"gen/unknown-query"}, make<no_queries_at<health_path>>}),
        tried(4, true, {"F-GEN-715", "the identity takes no query", {"gen/unknown-query"}, make<no_queries_at<identity_path>>}),
        tried(4, false, {"F-GEN-716", "settings take no query", {"gen/unknown-query"}, make<no_queries_at<settings_path>>}),
        tried(4, true, {"F-GEN-709", "the list of peers takes no query", {"gen/unknown-query", "peer/list-of-own-user"}, make<no_queries_at<peers_path>>}),
        tried(4, false, {"F-GEN-717", "preflights do not allow PUT", {"gen/preflight"}, make<preflights_without_put>}),
        tried(4, false, {"F-GEN-718", "a local backend takes settings from any origin", {"gen/foreign-origin-write"}, make<puts_from_any_origin>, setting::local}),
        tried(4, true, {"F-GEN-721", "supported is a text", {"reg/major-version"}, make<supported_is_a_text>}),
        tried(4, true, {"F-GEN-722", "supported holds numbers", {"reg/major-version"}, make<supported_are_numbers>}),
        tried(4, true, {"F-GEN-724", "version 1.00 is accepted", {"reg/version-grammar"}, make<versions_with_zeros>}),
        tried(4, true, {"F-GEN-725", "version 10.0 is taken for 1", {"reg/major-version"}, make<versions_that_begin_with_one>}),
        tried(4, true, {"F-GEN-728", "targets of 2,048 bytes are too long", {"gen/long-requests"}, make<targets_shorter_than<2048>>}),
        tried(4, true, {"F-GEN-729", "heads of more than 6 KiB are refused", {"gen/long-requests"}, make<heads_of_6_kib>}),
        tried(4, true, {"F-GEN-731", "500 conversations are too many", {"syn/500-conversations"}, make<only_499_conversations>}),
        tried(4, true, {"F-GEN-733", "content of 1,048,576 bytes is too long", {"syn/content-1-mib"}, make<content_less_than_1_mib>}),
        tried(4, false, {"F-GEN-734", "a body of 10 MiB is too large", {"gen/body-10-mib"}, make<just_less_than_10_mib>}),
        tried(4, false, {"F-SYN-745", "content of a write may have any length", {"cnv/refused-writes"}, make<writes_of_any_size>}),
        tried(4, false, {"F-SYN-743", "labels of 255 characters are pushed", {"syn/labels"}, make<labels_of_255<true>>}),
        tried(4, false, {"F-SYN-744", "labels of 255 characters are written", {"cnv/refused-writes"}, make<labels_of_255<false>>}),
        tried(4, false, {"F-SYN-742", "empty labels are pushed", {"syn/labels"}, make<empty_labels<true>>}),
        tried(4, false, {"F-SYN-747", "empty labels are written", {"cnv/refused-writes"}, make<empty_labels<false>>}),
        tried(4, false, {"F-REG-720", "session_id of a token may be any text", {"peer/list-tokens"}, make<session_ids_of_any_form>}),
        tried(4, false, {"F-REG-721", "session_id of a token has 64 characters at most", {"peer/list-tokens"}, make<short_session_ids>}),
        tried(4, true, {"F-REG-733", "optional members of a token may be null", {"sbt/fingerprint-of-peer", "sbt/fingerprint-of-callee"}, make<null_fingerprints>}),
        tried(4, true, {"F-REG-723", "endpoints may be null", {"reg/endpoints-form"}, make<endpoints_may_be_null>}),
        tried(4, true, {"F-REG-724", "endpoints may lack the one for telemetry", {"reg/endpoints-form"}, make<two_endpoints_are_enough>}),
        tried(4, true, {"F-REG-725", "endpoints may be relative", {"reg/endpoints-form"}, make<endpoints_partly_read<true>>}),
        tried(4, true, {"F-REG-726", "endpoints may have any length", {"reg/endpoints-form"}, make<endpoints_partly_read<false>>}),
        tried(4, false, {"F-REG-730", "an empty capability is accepted", {"reg/optional-members"}, make<empty_capability>}),
        tried(4, true, {"F-ID-715", "32 capabilities of 64 characters at most", {"reg/optional-members"}, make<fewer_capabilities>}),
        tried(4, true, {"F-ID-711", "backend ids of more than 100 characters are refused", {"reg/opaque-backend-id"}, make<backend_ids_of_64>}),
        tried(4, true, {"F-ID-710", "backend ids with quotes are refused", {"reg/opaque-backend-id"}, make<backend_ids_without_quotes>}),
        tried(4, true, {"F-ID-712", "keys of 4096 bits are refused", {"reg/key-sizes"}, make<keys_up_to_3072>}),
        tried(4, true, {"F-ID-713", "keys are found within other text", {"reg/unacceptable-keys"}, make<keys_within_text>}),
        tried(4, true, {"F-REG-731", "a token of 28,860 s lives too long", {"sbt/lifetime-tolerance"}, make<lifetime_less_than_the_most>}),
        tried(4, true, {"F-REG-732", "a token may lie four minutes ahead", {"sbt/created-slightly-ahead"}, make<four_minutes_ahead>}),
        tried(4, true, {"F-REG-735", "the telemetry_endpoint alone is built from the Host", {"reg/base-url"}, make<telemetry_by_the_host>}),
        tried(4, false, {"F-REG-734", "the telemetry_endpoint leads nowhere", {"reg/answer"}, make<telemetry_at_another_path>}),
        tried(4, true, {"F-SYN-740", "alg is compared without case", {"aut/alg"}, make<alg_without_case>}),
        tried(4, true, {"F-SYN-741", "an assertion of 300 s lives too long", {"aut/lifetime"}, make<less_than_300_seconds>}),
        tried(4, true, {"F-SYN-746", "a repetition is recognised by its text", {"syn/retransmission"}, make<repetitions_by_their_text>}),
        tried(4, true, {"F-SYN-749", "24 hours ahead are counted without the offset", {"syn/message-far-ahead", "syn/message-ahead"}, make<ahead_by_the_clock_on_the_wall>}),
    };
    for (auto& f : clause_part_faults_of_records()) out.push_back(std::move(f));
    return out;
}

}  // namespace bsp::faulty
