#include "../faults.hpp"
#include "known_members.hpp"
#include "lenient_json.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/utf8.hpp>
#include <bsp/json/c14n.hpp>

#include <cryptopp/pssr.h>
#include <cryptopp/rsa.h>

#include <algorithm>

/// Faults of pushing: signature, freshness, audience, atomicity, repetition and the reading of items.
namespace bsp::faulty {

namespace {

json::string const* signature_of(json::object const& body) { return json::find_string(body, "signature"); }

struct unsigned_accepted : backend {
    using backend::backend;
    result<> verify_payload(call const& c, json::object const& b, peer_record const& p) override {
        return signature_of(b) && !signature_of(b)->empty() ? backend::verify_payload(c, b, p) : ok();
    }
};
struct content_unsigned : backend {
    using backend::backend;
    // Only the envelope is what was signed; the items are not looked at.
    result<> verify_payload(call const&, json::object const& b, peer_record const&) override {
        auto const s = signature_of(b) ? from_base64(json::view(*signature_of(b))) : std::nullopt;
        if (!s || s->size() < 256) return fail(errc::invalid_signature, "the signature does not verify");
        return ok();
    }
};
struct any_registered_key : backend {
    using backend::backend;
    bool payload_signature_verifies(json::object const&, std::string const& t, bytes const& s, peer_record const&) override {
        auto const& peers = held().peers;
        return std::any_of(peers.begin(), peers.end(), [&](auto const& p) { return p.second.key.verify_ps256(t, s); });
    }
};

/// The text that a model of known members dumps.
json::object modelled(json::object const& body) {
    json::object out = known_of(body, {"sync_id", "timestamp", "conversations", "peer_id", "source_backend_id", "target_backend_id"});
    json::array conversations;
    if (auto const* given = out["conversations"].if_array())
        for (auto const& c : *given) {
            if (!c.is_object()) continue;
            json::object kept = known_of_conversation(c.get_object());
            json::array messages;
            if (auto const* ms = kept["messages"].if_array())
                for (auto const& m : *ms)
                    if (m.is_object()) messages.push_back(known_of_message(m.get_object()));
            kept["messages"] = messages;
            conversations.push_back(kept);
        }
    out["conversations"] = conversations;
    return out;
}
struct model_accepted_too : backend {
    using backend::backend;
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        if (backend::payload_signature_verifies(b, t, s, p)) return true;
        auto const dumped = json::canonicalize(modelled(b));
        return dumped && p.key.verify_ps256(*dumped, s);
    }
};
struct model_only : backend {
    using backend::backend;
    bool payload_signature_verifies(json::object const& b, std::string const&, bytes const& s, peer_record const& p) override {
        auto const dumped = json::canonicalize(modelled(b));
        return dumped && p.key.verify_ps256(*dumped, s);
    }
};
struct deep_signatures_skipped : backend {
    using backend::backend;
    static void strip(json::value& v) {
        if (auto* o = v.if_object()) {
            o->erase("signature");
            for (auto& m : *o) strip(m.value());
        } else if (auto* a = v.if_array()) {
            for (auto& e : *a) strip(e);
        }
    }
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        if (backend::payload_signature_verifies(b, t, s, p)) return true;
        json::value stripped = b;
        strip(stripped);
        auto const text = json::canonicalize(stripped);
        if (text && p.key.verify_ps256(*text, s)) return true;
        // The sender signed with some value there: any will do.
        signed_texts.push_back(text ? *text : "");
        return std::count(signed_texts.begin(), signed_texts.end(), signed_texts.back()) > 1;
    }
    answer push(call const& c, std::string const& id) override {
        answer a = backend::push(c, id);
        if (a)
            if (auto body = parse_object(c)) {
                json::value stripped = *body;
                strip(stripped);
                if (auto const text = json::canonicalize(stripped)) signed_texts.push_back(*text);
            }
        return a;
    }
    std::vector<std::string> signed_texts;
};
struct lenient_base64 : backend {
    using backend::backend;
    std::optional<bytes> decode_signature(std::string_view t) override {
        std::string kept;
        for (char c : t)
            if (std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/' || c == '=') kept += c;
        return backend::decode_signature(kept);
    }
};
struct padding_optional : backend {
    using backend::backend;
    std::optional<bytes> decode_signature(std::string_view t) override {
        std::string text{t};
        while (text.size() % 4 != 0) text += '=';
        return backend::decode_signature(text);
    }
};
CryptoPP::RSA::PublicKey numbers_of(peer_record const& p) {
    auto const n = read_public_pem(p.key.pem()).value();
    CryptoPP::RSA::PublicKey key;
    key.Initialize(CryptoPP::Integer{n.modulus.data(), n.modulus.size()}, CryptoPP::Integer{n.exponent.data(), n.exponent.size()});
    return key;
}
struct pkcs1_accepted : backend {
    using backend::backend;
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        if (backend::payload_signature_verifies(b, t, s, p)) return true;
        CryptoPP::RSASS<CryptoPP::PKCS1v15, CryptoPP::SHA256>::Verifier const v{numbers_of(p)};
        byte_view const m = as_bytes(t);
        return v.VerifyMessage(m.data(), m.size(), s.data(), s.size());
    }
};
struct longest_salt_only : backend {
    using backend::backend;
    // No signer of PS256 makes a salt of 222 bytes.
    bool payload_signature_verifies(json::object const&, std::string const&, bytes const&, peer_record const&) override { return false; }
};
struct unknown_peer_is_500 : backend {
    using backend::backend;
    result<peer_record*> find_peer(std::string const& id) override {
        if (!held().peers.contains(id)) return fail(errc::internal, "KeyError");
        return backend::find_peer(id);
    }
};
struct privileged_prefix : backend {
    using backend::backend;
    answer push(call const& c, std::string const& id) override {
        if (!id.starts_with("local_") && !id.starts_with("test_")) return backend::push(c, id);
        BSP_TRY(json::object const body, parse_object(c));
        BSP_TRY(std::string const sync_id, identifier_of(json::fields{body}, "sync_id"));
        return json_answer(200, push_answer(sync_id, {}));
    }
};
template <char const* Name>
struct audience_ignored : backend {
    using backend::backend;
    result<> check_payload_audience(json::object const& body, peer_record const& p) override {
        json::object without = body;
        without.erase(Name);
        return backend::check_payload_audience(without, p);
    }
};
constexpr char peer_member[] = "peer_id", target_member[] = "target_backend_id", source_member[] = "source_backend_id";

struct audience_required : backend {
    using backend::backend;
    result<> check_payload_audience(json::object const& body, peer_record const& p) override {
        for (char const* n : {peer_member, target_member, source_member})
            if (!body.contains(n)) return fail(errc::invalid_body, "field required");
        return backend::check_payload_audience(body, p);
    }
};
struct typ_accepted : backend {
    using backend::backend;
    result<> check_no_typ(json::object const&) override { return ok(); }
};
struct stale_accepted : backend {
    using backend::backend;
    result<> check_fresh(json::object const& b, instant now) override {
        auto const t = instant_of(json::fields{b}, "timestamp");
        return t && *t < now ? ok() : backend::check_fresh(b, now);
    }
};
struct ahead_accepted : backend {
    using backend::backend;
    result<> check_fresh(json::object const& b, instant now) override {
        auto const t = instant_of(json::fields{b}, "timestamp");
        return t && *t > now ? ok() : backend::check_fresh(b, now);
    }
};
struct window_of_60 : backend {
    using backend::backend;
    result<> check_fresh(json::object const& b, instant now) override {
        BSP_CHECK(backend::check_fresh(b, now));
        auto const t = instant_of(json::fields{b}, "timestamp");
        if (*t > now + std::chrono::seconds{60} || now > *t + std::chrono::seconds{60}) return fail(errc::stale_request, "not fresh");
        return ok();
    }
};
struct offset_dropped : backend {
    using backend::backend;
    result<> check_fresh(json::object const& b, instant now) override {
        json::object plain = b;
        if (json::string const* t = json::find_string(b, "timestamp"); t && t->size() > 19)
            if (std::size_t const sign = json::view(*t).find_first_of("+-", 19); sign != std::string_view::npos) plain["timestamp"] = json::view(*t).substr(0, sign);
        return backend::check_fresh(plain, now);
    }
};
struct empty_push_refused : backend {
    using backend::backend;
    result<> check_counts(json::array const& a) override { return a.empty() ? result<>{fail(errc::invalid_body, "nothing to do")} : backend::check_counts(a); }
};
struct at_most_100 : backend {
    using backend::backend;
    result<> check_counts(json::array const& a) override { return a.size() > 100 ? result<>{fail(errc::payload_too_large, "too many")} : backend::check_counts(a); }
};
struct thousand_refused : backend {
    using backend::backend;
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        BSP_TRY(auto c, backend::decode_conversation(f, now));
        if (c.second.messages.size() > 500) return fail(errc::payload_too_large, "too many messages");
        return c;
    }
};
struct wrong_ack : backend {
    using backend::backend;
    json::object push_answer(std::string const&, json::array) override { return {{"status", "synced"}, {"acked_sync_id", random_hex(8)}}; }
};

/// Applies item by item.
struct partly_applied : backend {
    using backend::backend;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& p, instant now) override {
        BSP_TRY(json::elements const given, body.required_array("conversations"));
        BSP_CHECK(check_counts(given.get()));
        tenant incoming;
        for (std::size_t i = 0; i < given.size(); ++i) {
            auto f = given.object_at(i);
            auto entry = f ? decode_conversation(*f, now) : result<std::pair<std::string, conversation>>{f.error()};
            if (!entry) {
                apply(p, incoming, now);
                return entry.error();
            }
            join(incoming[entry->first], entry->second);
        }
        return incoming;
    }
};
struct errors_swallowed : backend {
    using backend::backend;
    result<tenant> decode_conversations(json::fields const& body, peer_record const&, instant now) override {
        BSP_TRY(json::elements const given, body.required_array("conversations"));
        BSP_CHECK(check_counts(given.get()));
        tenant incoming;
        for (std::size_t i = 0; i < given.size(); ++i)
            if (auto f = given.object_at(i))
                if (auto entry = decode_conversation(*f, now)) join(incoming[entry->first], entry->second);
        return incoming;
    }
};
template <char const* Name>
struct member_optional : backend {
    using backend::backend;
    template <class Decode>
    static auto filled(json::fields const& f, Decode decode) {
        json::object o = f.get();
        if (!o.contains(Name)) o[Name] = std::string_view{Name} == "last_modified" ? "2020-01-01T00:00:00Z" : "unknown";
        return decode(json::fields{o});
    }
    result<message> decode_message(json::fields const& f, instant now) override {
        if (std::string_view{Name} == "last_modified") return backend::decode_message(f, now);
        return filled(f, [&](json::fields const& g) { return backend::decode_message(g, now); });
    }
    result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now) override {
        if (std::string_view{Name} != "last_modified") return backend::decode_conversation(f, now);
        return filled(f, [&](json::fields const& g) { return backend::decode_conversation(g, now); });
    }
};
constexpr char surface_member[] = "surface", modified_member[] = "last_modified";

struct any_version : backend {
    using backend::backend;
    result<std::int64_t> version_of(json::fields const& f) override {
        json::value const* v = f.find("version");
        return v && v->is_int64() ? result<std::int64_t>{v->get_int64()} : backend::version_of(f);
    }
    result<std::string> canonical(json::object const& o, std::initializer_list<std::string_view> without) override {
        auto const strict = backend::canonical(o, without);
        return strict || strict.error().detail.find("version") == std::string::npos ? strict : result<std::string>{json::serialize(o)};
    }
    bool payload_signature_verifies(json::object const& b, std::string const& t, bytes const& s, peer_record const& p) override {
        return backend::payload_signature_verifies(b, t, s, p) || t.find("\": ") == t.npos;
    }
    sha256_digest digest_of(json::object const& b) override { return sha256(json::serialize(b.at("conversations"))); }
};
struct version_zero_missing : backend {
    using backend::backend;
    result<std::int64_t> version_of(json::fields const& f) override {
        BSP_TRY(std::int64_t v, backend::version_of(f));
        if (v == 0) return f.invalid("version", "is required");
        return v;
    }
};
struct version_as_double : backend {
    using backend::backend;
    json::object emit_message(message const& m) override {
        json::object out = backend::emit_message(m);
        // A double-precision column of a store with 15 significant digits.
        if (m.version > 999'999'999'999'999) out["version"] = m.version / 10 * 10;
        return out;
    }
    json::object emit_scalars(std::string const& id, conversation const& c) override {
        json::object out = backend::emit_scalars(id, c);
        if (c.version > 999'999'999'999'999) out["version"] = c.version / 10 * 10;
        return out;
    }
};
struct closed_words : backend {
    using backend::backend;
    result<message> decode_message(json::fields const& f, instant now) override {
        BSP_TRY(message m, backend::decode_message(f, now));
        auto const one_of = [&](char const* name, std::initializer_list<std::string_view> words) {
            return std::find(words.begin(), words.end(), json::view(f.get().at(name).as_string())) != words.end();
        };
        if (!one_of("role", {"user", "assistant", "system", "tool"}) || !one_of("surface", {"web", "ios", "extension"})) return fail(errc::invalid_body, "value is not a valid enumeration member");
        return m;
    }
};
struct labels_of_32 : backend {
    using backend::backend;
    bool is_label(std::string_view t) override { return t.size() <= 32 && backend::is_label(t); }
};
struct empty_content_refused : backend {
    using backend::backend;
    result<message> decode_message(json::fields const& f, instant now) override {
        BSP_TRY(message m, backend::decode_message(f, now));
        if (!m.deleted && m.received.at("content").as_string().empty()) return f.invalid("content", "must not be empty");
        return m;
    }
};
struct content_of_64k : backend {
    using backend::backend;
    result<> check_content(std::string_view t) override { return t.size() > (64u << 10) ? result<>{fail(errc::invalid_body, "too long")} : ok(); }
};
struct any_content : backend {
    using backend::backend;
    result<> check_content(std::string_view) override { return ok(); }
};

/// Messages changed on their way out of the store.
template <class Change>
struct messages_with : backend {
    using backend::backend;
    json::object emit_message(message const& m) override {
        json::object out = backend::emit_message(m);
        Change{}(out, *this);
        return out;
    }
    std::string const& own_id() { return backend_id(); }
};
struct trimmed {
    void operator()(json::object& m, auto&) const {
        std::string_view t = json::view(m["content"].as_string());
        while (!t.empty() && t.front() == ' ') t.remove_prefix(1);
        while (!t.empty() && (t.back() == ' ' || t.back() == '\n')) t.remove_suffix(1);
        std::string const kept{t};
        m["content"] = kept;
    }
};
struct composed {
    void operator()(json::object& m, auto&) const { m["content"] = replaced(replaced(json::view(m["content"].as_string()), "e\xCC\x81", "\xC3\xA9"), "A\xCC\x8A", "\xC3\x85"); }
};
struct cut_at_nul {
    void operator()(json::object& m, auto&) const {
        std::string const t{json::view(m["content"].as_string())};
        m["content"] = t.substr(0, t.find('\0'));
    }
};
struct timestamp_rewritten {
    void operator()(json::object& m, auto&) const {
        if (auto const t = parse_timestamp(json::view(m["timestamp"].as_string()))) m["timestamp"] = format_timestamp(*t);
    }
};
struct known_members_only {
    void operator()(json::object& m, auto&) const {
        json::object kept;
        for (char const* n : {"id", "role", "content", "timestamp", "surface", "source_backend", "version", "deleted", "redacted"})
            if (auto const* v = m.if_contains(n)) kept[n] = *v;
        m = kept;
    }
};
struct source_rewritten {
    void operator()(json::object& m, auto& b) const { m["source_backend"] = b.own_id().starts_with("local") ? "local" : "hosted"; }
};
struct members_of_conversations_dropped : backend {
    using backend::backend;
    json::object emit_scalars(std::string const& id, conversation const& c) override {
        json::object const all = backend::emit_scalars(id, c);
        json::object kept;
        for (char const* n : {"conversation_id", "version", "last_modified", "source_backend", "title", "deleted", "redacted"})
            if (auto const* v = all.if_contains(n)) kept[n] = *v;
        return kept;
    }
};
struct modified_rewritten : backend {
    using backend::backend;
    json::object emit_scalars(std::string const& id, conversation const& c) override {
        json::object out = backend::emit_scalars(id, c);
        out["last_modified"] = format_timestamp(c.modified);
        return out;
    }
};
struct far_ahead_accepted : backend {
    using backend::backend;
    result<> check_ahead(instant, instant) override { return ok(); }
};
struct ahead_refused : backend {
    using backend::backend;
    result<> check_ahead(instant t, instant now) override { return backend::check_ahead(t, now - std::chrono::hours{24} + std::chrono::minutes{5}); }
};
struct old_refused : backend {
    using backend::backend;
    result<> check_ahead(instant t, instant now) override {
        return t < now - std::chrono::hours{24 * 365} ? result<>{fail(errc::invalid_body, "too old")} : backend::check_ahead(t, now);
    }
};
struct one_tenant : backend {
    using backend::backend;
    tenant& tenant_of(std::string const&) override { return backend::tenant_of("everybody"); }
};
struct repetition_refused : backend {
    using backend::backend;
    sha256_digest digest_of(json::object const& b) override { return sha256(json::serialize(b)); }
};
struct repetition_duplicates : backend {
    using backend::backend;
    receipt const* recall(std::pair<std::string, std::string> const&) override { return nullptr; }
    bool join_message(conversation& into, message const& incoming) override {
        // An INSERT without a unique key: the copy gets a row of its own.
        auto const held = into.messages.find(incoming.id);
        if (held == into.messages.end() || held->second.canonical != incoming.canonical) return backend::join_message(into, incoming);
        message copy = incoming;
        copy.id += " again";
        into.messages.emplace(copy.id, copy);
        return true;
    }
};
struct repetition_counts : backend {
    using backend::backend;
    // Whatever is pushed again counts as a change.
    receipt const* recall(std::pair<std::string, std::string> const& key) override {
        receipt const* r = backend::recall(key);
        if (r) {
            auto const p = held().peers.find(key.first);
            if (p != held().peers.end())
                for (auto& [id, c] : tenant_of(p->second.user_id)) c.committed = next_commit(c.committed);
        }
        return r;
    }
};
struct repetition_unchecked : backend {
    using backend::backend;
    answer push(call const& c, std::string const& id) override {
        if (auto const body = parse_object(c))
            if (json::string const* sync_id = json::find_string(*body, "sync_id"); sync_id && body->contains("conversations") && json::canonicalize(body->at("conversations")))
                if (receipt const* r = recall({id, std::string{json::view(*sync_id)}}); r && r->conversations == digest_of(*body)) return json_answer(200, r->answer);
        return backend::push(c, id);
    }
};
struct reuse_accepted : backend {
    using backend::backend;
    sha256_digest digest_of(json::object const&) override { return {}; }
};
struct last_one_remembered : backend {
    using backend::backend;
    void remember(std::pair<std::string, std::string> const& key, receipt r) override {
        std::erase_if(held().receipts, [&](auto const& e) { return e.first.first == key.first; });
        backend::remember(key, std::move(r));
    }
};
struct sync_ids_shared : backend {
    using backend::backend;
    std::pair<std::string, std::string> receipt_key(peer_record const&, std::string const& id) override { return {"", id}; }
};
struct crash_loses_conversations : backend {
    using backend::backend;
    void restart() override { held().tenants.clear(); }
};
struct crash_loses_receipts : backend {
    using backend::backend;
    void restart() override { held().receipts.clear(); }
};
struct refused_remembered : backend {
    using backend::backend;
    answer push(call const& c, std::string const& id) override {
        answer a = backend::push(c, id);
        auto const body = parse_object(c);
        if (!a && body && body->contains("conversations") && json::canonicalize(body->at("conversations")))
            if (json::string const* sync_id = json::find_string(*body, "sync_id"))
                held().receipts.emplace(std::pair{id, std::string{json::view(*sync_id)}}, receipt{digest_of(*body), {}});
        return a;
    }
};

}  // namespace

std::vector<fault> syn_faults() {
    return {
        {"F-SYN-01", "unsigned payloads are accepted", {"syn/signature-required"}, make<unsigned_accepted>},
        {"F-SYN-02", "content changed after signing is accepted", {"syn/signature-verified"}, make<content_unsigned>},
        {"F-SYN-03", "the signature of any registered peer is accepted", {"syn/other-peer"}, make<any_registered_key>},
        {"F-SYN-04", "members added to a message after signing are accepted", {"syn/member-added"}, make<model_accepted_too>},
        {"F-SYN-05", "signed unknown members break the verification", {"syn/unknown-signed-members"}, make<model_only>},
        {"F-SYN-06", "an unknown peer is answered with 500", {"syn/unknown-peer"}, make<unknown_peer_is_500>},
        {"F-SYN-07", "ids that begin with local_ or test_ need no registration", {"syn/no-privileged-prefix"}, make<privileged_prefix>},
        {"F-SYN-17", "the same payload twice doubles the messages", {"syn/retransmission-no-effect"}, make<repetition_duplicates>},
        {"F-SYN-18", "a repetition counts as a change (its count in metrics is a later profile's; its place in the feed is seen now)", {"syn/retransmission-no-effect"}, make<repetition_counts>},
        {"F-SYN-19", "a sync_id with other content is accepted", {"syn/sync-id-reuse"}, make<reuse_accepted>},
        {"F-SYN-20", "200 is answered before the commit, and a crash loses it", {"syn/durable", "syn/history-crashes"}, make<crash_loses_conversations>, setting::restart},
        {"F-SYN-21", "a refused payload is applied in part", {"syn/atomic", "syn/history-refusals"}, make<partly_applied>},
        {"F-SYN-22", "invalid items are skipped with 200", {"syn/invalid-not-swallowed", "syn/atomic"}, make<errors_swallowed>},
        {"F-SYN-23", "conversations are shared between users", {"syn/tenants-apart", "cnv/history-users"}, make<one_tenant>},
        {"F-SYN-26", "a payload for another peer's path is accepted", {"syn/audience-peer"}, make<audience_ignored<peer_member>>},
        {"F-SYN-27", "a payload for another backend is accepted", {"syn/audience-target"}, make<audience_ignored<target_member>>},
        {"F-SYN-28", "old payloads are accepted", {"syn/stale"}, make<stale_accepted>},
        {"F-SYN-29", "payloads from the future are accepted", {"syn/ahead"}, make<ahead_accepted>},
        {"F-SYN-30", "source_backend is rewritten", {"syn/source-kept"}, make<messages_with<source_rewritten>>},
        {"F-SYN-31", "unknown members of messages are dropped", {"syn/unknown-members-kept"}, make<messages_with<known_members_only>>},
        {"F-SYN-36", "versions beyond 2^53-1 and below 0 are accepted", {"syn/version-range"}, make<any_version>},
        {"F-SYN-38", "the answer names another sync_id and lacks members", {"syn/answer"}, make<wrong_ack>},
        {"F-SYN-45", "content is trimmed", {"syn/content-verbatim"}, make<messages_with<trimmed>>},
        {"F-SYN-46", "role and surface are closed sets", {"syn/open-words"}, make<closed_words>},
        {"F-SYN-47", "1000 messages are too many", {"syn/thousand-messages"}, make<thousand_refused>},
        {"F-SYN-50", "messages of any future are accepted", {"syn/message-far-ahead"}, make<far_ahead_accepted>},
        {"F-SYN-51", "foreign characters in base64 are skipped", {"syn/signature-encoding"}, make<lenient_base64>},
        {"F-SYN-52", "PS256 signatures are refused for their salt", {"syn/salt-32"}, make<longest_salt_only>},
        {"F-SYN-57", "a refused payload moves last_sync (a metric, which a later profile offers)", {}, nullptr, setting::unreachable},
        {"F-SYN-102", "content is normalized", {"syn/content-verbatim"}, make<messages_with<composed>>},
        {"F-SYN-121", "sync ids of different peers are one", {"syn/sync-id-per-peer"}, make<sync_ids_shared>},
        {"F-SYN-122", "only the last sync_id is remembered", {"syn/sync-id-remembered"}, make<last_one_remembered>},
        {"F-SYN-123", "the sync_id of a refused push is remembered", {"syn/rejected-sync-id-free"}, make<refused_remembered>},
        {"F-SYN-124", "a repetition with a new timestamp is refused", {"syn/retransmission"}, make<repetition_refused>},
        {"F-SYN-129", "last_modified is spelled anew", {"syn/timestamps-verbatim"}, make<modified_rewritten>},
        {"F-SYN-130", "message timestamps are spelled anew", {"syn/timestamps-verbatim"}, make<messages_with<timestamp_rewritten>>},
        {"F-SYN-161", "content above 64 KiB is refused", {"syn/content-1-mib"}, make<content_of_64k>},
        {"F-SYN-162", "content above 1 MiB is accepted", {"syn/content-too-large"}, make<any_content>},
        {"F-SYN-163", "empty content is refused", {"syn/empty-content"}, make<empty_content_refused>},
        {"F-SYN-165", "labels above 32 characters are refused", {"syn/labels"}, make<labels_of_32>},
        {"F-SYN-166", "messages older than a year are refused", {"syn/old-messages"}, make<old_refused>},
        {"F-SYN-167", "messages five minutes ahead are refused", {"syn/message-ahead"}, make<ahead_refused>},
        {"F-SYN-168", "a payload with typ is accepted", {"syn/typ"}, make<typ_accepted>},
        {"F-SYN-169", "members named signature are left out at every depth", {"syn/nested-signature"}, make<deep_signatures_skipped>},
        {"F-SYN-170", "base64 without padding is accepted", {"syn/signature-encoding"}, make<padding_optional>},
        {"F-SYN-171", "PKCS #1 v1.5 signatures are accepted", {"syn/signature-scheme"}, make<pkcs1_accepted>},
        {"F-SYN-172", "a payload of another source is accepted", {"syn/audience-source"}, make<audience_ignored<source_member>>},
        {"F-SYN-173", "the audience members are required", {"syn/audience-absent"}, make<audience_required>},
        {"F-SYN-174", "an empty push is refused", {"syn/empty-push"}, make<empty_push_refused>},
        {"F-SYN-176", "the window of freshness is 60 s", {"syn/fresh-window"}, make<window_of_60>},
        {"F-SYN-177", "the offset of the envelope's timestamp is dropped", {"syn/fresh-offset"}, make<offset_dropped>},
        {"F-SYN-191", "more than 100 conversations are refused", {"syn/500-conversations"}, make<at_most_100>},
        {"F-SYN-193", "repetitions are answered before they are checked", {"syn/repeat-checked-again"}, make<repetition_unchecked>},
        {"F-SYN-196", "version 0 counts as missing", {"syn/version-range"}, make<version_zero_missing>},
        {"F-SYN-199", "content ends at U+0000", {"syn/content-verbatim"}, make<messages_with<cut_at_nul>>},
        {"F-SYN-231", "surface may be missing", {"syn/required-members"}, make<member_optional<surface_member>>},
        {"F-SYN-232", "last_modified may be missing", {"syn/required-members"}, make<member_optional<modified_member>>},
        {"F-SYN-233", "large versions are stored inexactly", {"syn/version-range"}, make<version_as_double>},
        {"F-SYN-291", "accepted sync ids are forgotten at a restart", {"syn/durable", "syn/history-restarts"}, make<crash_loses_receipts>, setting::restart},
        {"F-SYN-234", "unknown members of conversations are dropped", {"syn/unknown-members-kept"}, make<members_of_conversations_dropped>},
    };
}

}  // namespace bsp::faulty
