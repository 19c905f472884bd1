#pragma once

#include "socket_service.hpp"
#include "state.hpp"

#include <bsp/base/http.hpp>
#include <bsp/base/result.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/json/fields.hpp>
#include <bsp/json/value.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

/// A second backend, written from the specification alone, whose every decision is a virtual step. As it
/// stands it is correct; a fault is a subclass that overrides one step. It shares no code with the merge,
/// policy and endpoint headers, so that a mistake there is not repeated here.
namespace bsp::faulty {

struct settings {
    std::string base_url = "http://localhost:8825";
    std::string backend_type = "hosted";
    std::map<std::string, std::string> users = {};  ///< pairing secret by user_id
    std::string admin_token = {};              ///< "" disables administration
    std::optional<rsa_private_key> key = {};   ///< generated when absent
    std::vector<std::string> allowed_origins = {};  ///< of pages that may call: "https://app.example"
    std::vector<std::string> peer_allow = {};  ///< origins that this backend may call: "http://127.0.0.1:9000"
};

/// One request on its way through the steps.
struct call {
    http_request const& request;
    instant now;
    std::string_view path;                ///< without the base path, still escaped
    std::string_view query_text;
    std::vector<std::string> segments;    ///< of `path`, decoded
    query_parameters query;
    std::string allow;                    ///< methods of the path, for 405
    mutable std::string peer_id = {};     ///< of the registration it speaks of
    mutable bool proven = false;          ///< that its sender is that peer
    mutable int retry_after = 1;          ///< seconds, for 429

    [[nodiscard]] std::string const* parameter(std::string_view name) const {
        for (auto const& p : query)
            if (p.first == name) return &p.second;
        return nullptr;
    }
};

/// A pull as it was asked for.
struct feed_query {
    std::string peer_id, user_id;
    std::size_t limit = 0;
    instant since = {};
    std::optional<json::object> cursor = {};
    std::chrono::seconds wait{};
    sha256_digest key = {};  ///< that signed it
};

/// What a peer's answer to a push or a pull means (section 10.4).
enum class outcome { done, again, refused_content, waits_for_token, begins_anew, other_sync_id, left_alone };

/// Who may call an endpoint.
enum callers : unsigned { peer_may = 1, user_may = 2, admin_may = 4 };

/// `size` random bytes in hexadecimal.
std::string random_hex(std::size_t size);

instant system_now();
std::string http_date(instant t);

/// "http://host:port" of a URL, and what follows it.
std::pair<std::string, std::string> origin_and_path(std::string const& url);

class client_socket;

class backend : public socket_service {
public:
    explicit backend(settings s);
    ~backend() override = default;
    backend(backend const&) = delete;
    backend& operator=(backend const&) = delete;

    /// Answers one request at the time `now`. Safe to call from several threads.
    http_response handle(http_request const& request, instant now);

    /// What a restart of the process would do. The correct backend forgets nothing.
    virtual void restart() {}
    /// A restart, and the end of all WebSockets.
    void reboot();
    /// Moves the time of every request from now on.
    void advance(std::chrono::milliseconds by) { ahead_ms_ += by.count(); }

    http_response open_socket(http_request const& upgrade, instant now, int& number) override;
    reply hear(int number, std::string const& text, instant now) override;
    reply look_after(int number, instant now) override;
    void forget(int number) override;

    /// Pushes to and pulls from every peer that it may call, until it is told to stop. Blocks.
    void run_client(std::stop_token stop);

protected:
    using answer = result<http_response>;
    using milliseconds = std::chrono::milliseconds;

    // ---- http.cpp: from bytes to a call and back ----
    virtual http_response serve(http_request const& request, instant now);
    virtual answer dispatch(call& c);
    virtual result<> check_host(call const& c);
    virtual result<> check_origin(call const& c);
    virtual bool is_listed(std::string const& origin);
    virtual answer preflight(call const& c);
    virtual void tell_origin(call const& c, http_response& r);
    virtual result<> check_size(call const& c);
    virtual result<> check_media_type(call const& c);
    virtual result<> check_coding(call const& c);
    virtual std::optional<std::vector<std::string>> split_path(std::string_view path);
    virtual result<json::value> parse_body(std::string_view text);
    virtual result<json::object> parse_object(call const& c);
    virtual http_response json_answer(int status, json::value const& body);
    virtual json::object problem_document(error const& e);
    virtual http_response problem(error const& e, call const& c);
    virtual void finish(call const& c, http_response& r);
    virtual answer not_found(call const& c);
    virtual answer method_not_allowed(call const& c);
    virtual std::size_t body_bytes_max() { return 16u << 20; }
    virtual answer serve_identity(call const& c);
    virtual json::object identity(call const& c);
    virtual answer serve_health(call const& c);

    // ---- readers.cpp: members of bodies and queries ----
    virtual bool is_identifier(std::string_view text);
    virtual bool is_label(std::string_view text);  ///< 1 to 128 characters, no control characters
    virtual result<instant> timestamp(std::string_view text);
    virtual result<std::int64_t> version_of(json::fields const& f);
    virtual result<bool> flag(json::fields const& f, std::string_view name);
    virtual result<std::string> text_of(json::fields const& f, std::string_view name);
    result<std::string> label_of(json::fields const& f, std::string_view name);
    result<std::string> identifier_of(json::fields const& f, std::string_view name);
    result<instant> instant_of(json::fields const& f, std::string_view name);
    virtual result<std::size_t> limit_of(call const& c);
    virtual result<std::string> path_identifier(std::string const& segment);
    virtual result<std::string> canonical(json::object const& o, std::initializer_list<std::string_view> without = {});

    // ---- authentication.cpp ----
    virtual result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr);
    virtual result<> check_one_authorization(call const& c);
    virtual bool same_scheme(std::string_view a, std::string_view b);
    virtual result<principal> authenticate_admin(std::string_view token);
    virtual result<principal> authenticate_peer(call const& c, std::string_view compact, peer_record* of_path);
    virtual result<principal> authenticate_user(call const& c, std::string_view compact);
    virtual std::optional<bytes> decode_part(std::string_view text);
    virtual result<assertion> read_assertion(std::string_view compact);
    virtual result<> read_claims(json::fields const& f, assertion& a);
    virtual result<> check_header(assertion const& a, std::string_view alg, std::string_view typ);
    virtual bool peer_signature_verifies(assertion const& a, peer_record const& peer);
    virtual bool user_mac_verifies(assertion const& a);
    virtual result<> check_issuer(assertion const& a, peer_record const& peer);
    virtual result<> check_path_peer(assertion const& a, peer_record const* of_path);
    virtual result<> check_user_issuer(assertion const& a);
    virtual result<> check_request_binding(call const& c, assertion const& a);
    virtual result<> check_method(call const& c, assertion const& a);
    virtual result<> check_target(call const& c, assertion const& a);
    virtual result<> check_times(call const& c, assertion const& a);
    virtual result<> check_audience(assertion const& a);
    virtual result<> claim_jti(call const& c, std::string const& issuer, assertion const& a);
    virtual result<> check_not_expired(peer_record const& peer, instant now);
    virtual result<> check_not_revoked(peer_record const& peer);
    virtual result<peer_record*> find_peer(std::string const& peer_id);
    virtual std::optional<std::string> secret_of(std::string const& user_id);

    // ---- registration.cpp ----
    virtual answer register_peer(call const& c);
    virtual result<claimed_identity> decode_identity(json::fields const& f);
    virtual result<> check_backend_id(claimed_identity const& who);
    virtual result<> check_version(claimed_identity const& who);
    virtual result<rsa_public_key> read_key(std::string const& pem);
    virtual result<json::array> capabilities_of(json::fields const& f);
    virtual result<> check_endpoints(json::fields const& body);
    virtual void note_endpoints(json::fields const& body, token const& t, peer_record& peer);
    virtual result<std::optional<std::string>> challenge_of(json::fields const& body);
    virtual result<token> decode_token(json::fields const& f);
    virtual result<std::string> slot_of(json::fields const& f, std::string_view name);
    virtual result<> verify_token(token const& t, instant now);
    virtual result<std::string> mac_text(token const& t);
    virtual bool is_mac_form(std::string_view signature);
    virtual result<> check_mac(token const& t);
    virtual result<> check_lifetime(token const& t);
    virtual result<> check_created(token const& t, instant now);
    virtual result<> check_unexpired(token const& t, instant now);
    virtual result<> check_parties(token const& t, claimed_identity const& who);
    virtual result<> check_fingerprints(token const& t, claimed_identity const& who, rsa_public_key const& key);
    virtual result<> check_revocation(claimed_identity const& who, rsa_public_key const& key, std::string const& user_id);
    virtual result<> check_unpairing(token const& t, claimed_identity const& who);
    virtual peer_record* find_registration(std::string const& user_id, std::string const& backend_id);
    virtual bool same_key(peer_record const& held, rsa_public_key const& key, std::string const& pem);
    virtual result<peer_record*> enter(claimed_identity const& who, rsa_public_key const& key, token const& t, instant now);
    virtual void renew(peer_record& held, claimed_identity const& who, token const& t);
    virtual std::string new_peer_id(claimed_identity const& who);
    virtual std::string base_url_for(call const& c);
    virtual json::object registration_answer(call const& c, peer_record const& peer, std::optional<std::string> const& challenge);
    virtual std::string challenge_signature(std::string const& challenge, peer_record const& peer);

    // ---- peers.cpp ----
    virtual answer list_peers(call const& c);
    virtual bool may_see(principal const& who, peer_record const& peer);
    virtual json::object peer_entry(peer_record const& peer);
    virtual answer delete_peer(call const& c, std::string const& peer_id);
    virtual bool may_remove(principal const& who, peer_record const& peer);
    virtual void unpair(peer_record const& peer, instant now);
    virtual void revoke(peer_record& peer, instant now);

    // ---- rotation.cpp ----
    virtual answer rotate_key(call const& c, std::string const& peer_id);
    virtual result<> verify_notice(json::object const& body, peer_record const& peer, instant now);  ///< by the current key
    virtual result<> verify_new_key(json::object const& body, rsa_public_key const& next);
    virtual bool notice_signed_by(json::object const& body, std::string_view member, rsa_public_key const& key);
    virtual result<> check_notice_type(json::object const& body);
    virtual result<rotation_notice> read_notice(json::fields const& f);
    virtual result<> check_notice_fresh(rotation_notice const& n, instant now);
    virtual result<> check_notice_audience(rotation_notice const& n, peer_record const& peer);
    virtual result<> check_later(rotation_notice const& n, peer_record const& peer);
    virtual result<> check_new_key(rsa_public_key const& next, peer_record const& peer);
    virtual instant end_of_grace(rotation_notice const& n);
    virtual void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until);
    virtual std::vector<rsa_public_key> keys_of(peer_record const& peer, instant now);  ///< that count, the current one first
    virtual bool counts(peer_record const& peer, former_key const& k, instant now);
    virtual std::size_t former_keys_max() { return 2; }
    virtual json::object rotation_answer(peer_record const& peer, instant until);
    virtual bool still_counts(peer_record const& peer, sha256_digest const& key, instant now);  ///< of what was opened by it

    // ---- push.cpp ----
    virtual answer push(call const& c, std::string const& peer_id);
    virtual answer push_alias(call const& c);
    virtual result<> verify_payload(call const& c, json::object const& body, peer_record const& peer);
    virtual std::optional<bytes> decode_signature(std::string_view text);
    virtual bool payload_signature_verifies(json::object const& body, std::string const& text, bytes const& signature, peer_record const& peer);
    virtual result<> check_fresh(json::object const& body, instant now);
    virtual result<> check_payload_audience(json::object const& body, peer_record const& peer);
    virtual result<> check_no_typ(json::object const& body);
    virtual result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now);
    virtual result<> check_counts(json::array const& conversations);
    virtual result<> check_message_count(json::fields const& conversation);
    virtual result<std::pair<std::string, conversation>> decode_conversation(json::fields const& f, instant now);
    virtual result<message> decode_message(json::fields const& f, instant now);
    virtual result<> check_content(std::string_view content);
    virtual result<> check_write_depth(json::object const& body);
    virtual result<> check_ahead(instant t, instant now);
    virtual std::pair<std::string, std::string> receipt_key(peer_record const& peer, std::string const& sync_id);
    virtual receipt const* recall(std::pair<std::string, std::string> const& key);
    virtual void remember(std::pair<std::string, std::string> const& key, receipt r);
    virtual sha256_digest digest_of(json::object const& body);
    virtual std::int64_t version_leaps(peer_record const& peer, tenant const& incoming);
    virtual bool is_leap(std::int64_t from, std::int64_t to) { return to - from > std::int64_t{1} << 32; }
    virtual json::array apply(peer_record const& peer, tenant const& incoming, instant now);
    virtual json::object push_answer(std::string const& sync_id, json::array conflicts);
    virtual tenant& tenant_of(std::string const& user_id);
    virtual instant next_commit(instant now);

    // ---- budget_and_audit.cpp ----
    virtual std::size_t push_budget() { return 100; }
    virtual std::string budget_of(call const& c, peer_record const& peer);  ///< whose budget it is
    virtual result<> check_budget(call const& c, peer_record const& peer);
    virtual milliseconds push_comes_back() { return milliseconds{600}; }  ///< every so often there is room for one more
    virtual bool is_limited(call const& c, std::string const& whose);
    virtual void spend(call const& c, std::string const& whose);
    virtual int budget_wait(call const& c, std::string const& whose);
    virtual void record(audit_record r);
    virtual std::string type_of_refusal(call const& c, error const& why);  ///< "" when it is not recorded
    virtual void record_refusal(call const& c, error const& why);
    virtual answer list_audit(call const& c);
    virtual bool is_asked_for(call const& c, audit_record const& r, instant since);
    virtual json::object audit_entry(audit_record const& r);

    // ---- merge.cpp ----
    virtual result<message> make_message(json::object received, std::string id, std::int64_t version, instant written, bool deleted, bool redacted);
    virtual result<sha256_digest> message_digest(json::object const& received);
    virtual bool outranks(message const& a, message const& b);  ///< a is greater than b (BSP-MRG-014)
    virtual bool message_tie(message const& a, message const& b);
    virtual bool write_outranks(scalar_write const& a, conversation const& held);
    virtual bool write_tie(scalar_write const& a, scalar_write const& b);
    virtual bool join(conversation& into, conversation const& from);  ///< whether anything changed
    virtual bool join_messages(conversation& into, conversation const& from);
    virtual bool join_message(conversation& into, message const& incoming);
    virtual bool join_scalars(conversation& into, conversation const& from);
    virtual bool join_modified(conversation& into, conversation const& from);
    virtual bool join_surfaces(conversation& into, conversation const& from);
    virtual void add_surface(conversation& into, message const& m);
    virtual std::optional<json::object> conflict(std::string const& conversation_id, message const& held, message const& incoming);
    virtual void keep_losers(conversation& into, conversation const& from, instant now);
    virtual json::object emit_scalars(std::string const& id, conversation const& c);
    virtual json::array emit_surfaces(conversation const& c);
    virtual json::array emit_messages(conversation const& c, bool tombstones);
    virtual json::object emit_message(message const& m);
    virtual std::vector<message const*> sorted_messages(conversation const& c);

    // ---- pull.cpp ----
    virtual answer pull(call const& c, std::string const& peer_id);
    virtual result<instant> since_of(call const& c);
    virtual bool belongs_in_pull(conversation const& c, instant since);
    virtual instant place_in_feed(conversation const& c) { return c.committed; }
    virtual bool after_cursor(instant place, std::string const& id, instant cursor_place, std::string const& cursor_id);
    virtual std::size_t page_size(std::size_t limit) { return limit; }
    virtual bool more_follow(std::size_t given, std::size_t limit, std::size_t left);
    virtual instant watermark(call const& c);
    virtual json::object feed_page(call const& c, feed_query const& asked);
    virtual json::object pull_entry(std::string const& id, conversation const& c);
    virtual std::string make_cursor(json::object content);
    virtual json::object cursor_content(json::object content) { return content; }
    virtual result<std::optional<json::object>> cursor_of(call const& c, std::string_view feed);
    virtual answer digest(call const& c, std::string const& peer_id);
    virtual json::object digest_answer(tenant const& all);
    virtual std::string epoch() { return epoch_; }

    // ---- live_pull.cpp ----
    enum class cause { push, write };
    virtual result<std::chrono::seconds> wait_of(call const& c);
    virtual bool may_be_held(json::object const& page);  ///< whether it has nothing in it
    virtual answer hold(call const& c, feed_query const& asked);
    virtual answer at_the_end(json::object page) { return json_answer(200, page); }  ///< of a hold that brought nothing
    virtual result<> still_stands(feed_query const& asked, instant now);
    virtual milliseconds look_period() { return milliseconds{500}; }  ///< at which a held pull looks after its peer
    virtual void announce(tenant const& changed, cause by);
    virtual std::uint64_t news_of(feed_query const& asked);

    // ---- telemetry.cpp ----
    virtual answer upgrade_telemetry(call const& c, std::string const& peer_id);
    virtual result<peer_record*> admit(call const& c, std::string const& peer_id);
    virtual result<> check_socket_origin(call const& c);
    virtual result<> check_handshake(call const& c);
    virtual reply judge(held_socket const& s, std::string const& text, instant now);
    virtual std::optional<std::string> lost_right(held_socket const& s, instant now);  ///< the reason of a close frame
    virtual bool within_budget(held_socket const& s, instant now);
    virtual reply excess(held_socket const& s, std::string const& text, instant now);
    virtual result<json::object> parse_event(std::string const& text);
    virtual result<> check_event(json::fields const& f);
    virtual result<> check_event_type(json::fields const& f);
    virtual result<> check_metric(json::fields const& f, std::string_view name);
    virtual result<> check_cost(json::fields const& f);
    virtual result<> check_model(json::fields const& f);
    virtual result<> check_event_time(json::fields const& f);
    virtual reply acknowledge(std::string const& event_id);
    virtual reply reject(json::value event_id, error const& why);
    virtual json::value id_of_rejected(std::string const& text);
    virtual std::string owner_of(held_socket const& s, json::object const& event);
    virtual void store(telemetry_event e);
    virtual json::object to_store(json::object event) { return event; }
    virtual answer list_events(call const& c);
    virtual bool is_of(telemetry_event const& e, std::string const& user_id) { return e.user_id == user_id; }
    virtual bool has_source(telemetry_event const& e, std::string const& source) { return e.source_backend == source; }
    virtual instant moment_of(telemetry_event const& e) { return e.arrived; }
    virtual json::object event_entry(telemetry_event const& e);
    virtual std::size_t events_on_page(std::size_t limit) { return limit; }

    // ---- conversations.cpp ----
    virtual answer list_conversations(call const& c);
    virtual bool is_listed(conversation const& c);
    virtual json::object list_entry(std::string const& id, conversation const& c);
    virtual answer read_conversation(call const& c, std::string const& id);
    virtual answer absent_conversation(principal const& who, std::string const& id);
    virtual json::array emit_losers(conversation const& c);
    virtual answer write_message(call const& c, std::string const& id);
    virtual bool repeats(message const& m, json::object const& body);
    virtual std::int64_t next_version(conversation const& c, std::string const& message_id);
    virtual std::string new_message_id(conversation const& c);
    virtual json::object message_to_write(json::object const& body, std::int64_t version);
    /// Of an edit that gives none.
    virtual instant time_over(message const& held, std::int64_t version, instant now);
    virtual std::int64_t conversation_version(std::int64_t next, conversation const&) { return next; }
    virtual json::object scalars_to_write(std::string const& id, conversation const& held, json::object const& body);
    virtual instant modified_by_write(conversation const* held, std::optional<message> const& m, instant now);  ///< the `last_modified` of a local write
    virtual result<> commit_locally(tenant& all, std::string const& id, json::object scalars, std::int64_t version, std::optional<message> m, instant now);
    virtual answer delete_conversation(call const& c, std::string const& id);
    virtual answer delete_message(call const& c, std::string const& id, std::string const& message_id);
    virtual json::object tombstone_of(std::string const& id, conversation const& held);
    virtual json::object tombstone_of(message const& held, std::int64_t version, instant written);

    // ---- redaction.cpp: what goes to a hosted peer, and the copy that comes back (chapter 17) ----
    enum class personal { email, credit_card, ssn, phone };
    enum class outlet { push, pull, read };
    virtual json::object outgoing(json::object entry, peer_record const* to, outlet by);  ///< a conversation, on its way; null: to the user
    virtual bool redacts_for(peer_record const& to);
    virtual bool wants_redaction(std::string const& user_id);
    virtual json::object redact_entry(json::object entry);
    virtual json::object redact_members(json::object o, bool is_message);  ///< of a message or a conversation
    virtual bool stays_whole(std::string_view member, bool is_message);
    virtual void mark(json::object& altered);
    virtual bool redact_value(json::value& v);  ///< whether it was altered
    virtual std::string redact_text(std::string text);
    virtual std::string redact_kind(std::string const& text, personal kind);
    virtual tenant digested(tenant const& all, peer_record const& to);
    virtual void keep_own_members(tenant const& held, tenant& incoming);
    virtual bool is_outdated(parcel const& p, peer_record const& to) { return p.redacted != redacts_for(to); }

    // ---- client.cpp: what goes to a peer and what its answer means. `b` is the body, null when it is no JSON ----
    enum channel : unsigned { pushes, pulls };
    virtual bool may_dial(peer_record const& peer);
    bool may_call(std::string const& url);
    virtual bool may_exchange(peer_record const& peer, link const& to, instant now);
    virtual bool is_due(conversation const& c, std::string const& id, peer_record const& peer, link const& to);
    virtual std::vector<std::pair<instant, std::string>> due_for(peer_record const& peer, link const& to);
    virtual void take_snapshot(peer_record const& peer, link& to);
    virtual json::object push_entry(std::string const& id, conversation const& c) { return pull_entry(id, c); }
    virtual std::size_t conversations_max() { return 500; }
    virtual std::size_t messages_max() { return 1'000; }
    virtual std::string new_sync_id() { return "sync_" + random_hex(12); }
    virtual json::object payload(peer_record const& peer, parcel const& p, instant now);
    virtual http_request push_request(peer_record const& peer, parcel const& p, instant now);
    virtual http_request pull_request(peer_record const& peer, link const& to, instant now);
    virtual bool holds_pulls_open(peer_record const& peer);
    virtual std::string peer_assertion(peer_record const& peer, std::string const& method, std::string const& target, instant now);
    virtual std::string new_jti() { return random_hex(16); }
    virtual outcome outcome_of(int status, std::string const& code);
    virtual outcome outcome_of_push(parcel const& p, std::optional<http_response> const& r, json::value const& b);
    virtual void settle_push(peer_record const& peer, link& to, std::optional<http_response> const& r);
    virtual void settle_pull(peer_record const& peer, link& to, std::optional<http_response> const& r);
    virtual void acknowledged(link& to, parcel const& p);
    virtual void narrow_down(link& to);
    virtual void begin_anew(link& to);
    virtual void failed(link& to, channel which, std::optional<http_response> const& r);
    virtual milliseconds retry_delay(unsigned failures);
    virtual milliseconds retry_after(std::optional<http_response> const& r, instant now);
    virtual milliseconds push_gap() { return milliseconds{700}; }  ///< after a burst of 15
    virtual milliseconds pause_after_refusal() { return milliseconds{1'100}; }
    virtual milliseconds left_alone_for() { return std::chrono::seconds{300}; }
    virtual milliseconds interval_from(json::value const& b, milliseconds before);
    virtual result<tenant> decode_page(json::object const& page);
    virtual bool take_in_page(peer_record const& peer, link& to, json::object const& page);
    virtual bool is_healthy(std::optional<http_response> const& r);
    virtual void reachability_changed(link& to, bool reachable);

    // ---- client_telemetry.cpp: what is told to a peer of what was exchanged with it ----
    virtual void tell_of(link& to, std::string_view direction, json::array const& conversations, std::string const& sync_id);
    virtual json::object event_of(std::string_view direction, json::array const& conversations, std::string const& sync_id);
    virtual std::string new_event_id() { return "evt_" + random_hex(12); }
    virtual bool may_stream(peer_record const& peer, link const& to, instant now);
    virtual http_request upgrade_request(peer_record const& peer, instant now);
    virtual std::vector<std::string> take_events(link& to);  ///< that are to be sent now
    virtual void settle_event(link& to, std::string const& text);
    virtual std::optional<std::size_t> event_answered(link const& to, json::object const& said);  ///< its place in the queue
    virtual void event_rejected(link& to, std::size_t place);
    virtual void event_limited(link& to, std::size_t place, std::int64_t retry_after_ms);
    virtual void stream_ended(link& to, int code);
    virtual void stream_refused(link& to, std::optional<http_response> const& r);

    // ---- client_loops.cpp: when it goes, and how ----
    virtual void push_loop(std::string const& peer_id, std::stop_token stop);
    virtual void pull_loop(std::string const& peer_id, std::stop_token stop);
    virtual void health_loop(std::string const& peer_id, std::stop_token stop);
    virtual void telemetry_loop(std::string const& peer_id, std::stop_token stop);
    virtual bool wakes_on_change() { return true; }
    virtual milliseconds pull_period(link const& to) { return to.interval; }
    virtual milliseconds health_period() { return std::chrono::seconds{10}; }
    virtual milliseconds answer_period(milliseconds timeout) { return timeout; }
    virtual std::optional<http_response> transmit(std::string const& origin, http_request const& r, milliseconds timeout, std::stop_token stop);

    [[nodiscard]] settings const& config() const { return settings_; }
    [[nodiscard]] rsa_private_key const& key() const { return key_; }
    /// Takes the request for one that this key has signed.
    void was_proven_by(rsa_public_key const& key) { proven_by_ = key.sha256(); }
    [[nodiscard]] std::string const& backend_id() const { return backend_id_; }
    [[nodiscard]] instant created() const { return created_; }
    state& held() { return state_; }

    /// What happens between a look and the step that builds on it where no lock is held: other requests are answered.
    /// The correct backend never calls it. References into `held()` may dangle afterwards.
    void let_others_in();

    /// 101 for an upgrade that came through a door, and 426 for one that cannot be opened.
    answer switch_protocols(call const& c, std::string const& peer_id, std::string const& user_id);
    [[nodiscard]] std::size_t sockets_of(std::string const& peer_id) const;
    /// For what is called without the lock: `forget`.
    [[nodiscard]] std::unique_lock<std::mutex> locked() { return std::unique_lock{mutex_}; }

    settings settings_;
    rsa_private_key key_;
    std::string backend_id_;
    std::string epoch_;
    std::string cursor_secret_;
    instant created_;

private:
    template <class Turn>
    void take_turns(std::string const& peer_id, std::stop_token stop, Turn turn);
    bool ask(std::unique_lock<std::mutex>& lock, peer_record const& peer, http_request const& request, milliseconds timeout, std::stop_token stop, std::optional<http_response>& got);
    int tell(std::string const& peer_id, client_socket& stream, std::stop_token stop);
    void wait_for_news(std::unique_lock<std::mutex>& lock, std::stop_token stop, link::time until, bool for_changes);

    [[nodiscard]] instant moved(instant now) const { return now + std::chrono::milliseconds{ahead_ms_.load()}; }

    std::atomic<std::int64_t> ahead_ms_ = 0;
    std::mutex mutex_;
    std::condition_variable_any news_;  ///< of commits, registrations and reachability
    std::condition_variable_any commits_;
    instant now_;             ///< of the request that is served
    sha256_digest proven_by_{};  ///< the key that signed it
    std::map<tenant const*, std::uint64_t> commits_of_;  ///< how many each of them had
    std::uint64_t changes_ = 0;
    state state_;
    std::map<int, held_socket> sockets_;
    std::map<http_request const*, std::optional<held_socket>> opening_;  // upgrades that a door is waiting for
    int last_socket_ = 0;
    unsigned boots_ = 0;
};

}  // namespace bsp::faulty
