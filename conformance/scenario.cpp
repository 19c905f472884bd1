#include "scenario.hpp"

#include "fields.hpp"
#include "probe.hpp"
#include "record.hpp"
#include "signing_key.hpp"
#include "surroundings.hpp"

#include <bsp/base/uri.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/sbt/sbt.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <future>
#include <latch>
#include <stdexcept>
#include <thread>

namespace bsp::conformance {
namespace {

/// At most `bytes` of a text in UTF-8, and no part of a character.
std::string beginning_of(std::string const& text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
    return text.substr(0, bytes);
}

std::uint64_t seed_of(std::uint64_t run_seed, std::string_view check_id) {
    std::uint64_t h = 0xcbf29ce484222325 ^ run_seed * 0x9E3779B97F4A7C15;  // FNV-1a, salted
    for (char c : check_id) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return h;
}

std::string base36(std::size_t n) {
    std::string out;
    do out.insert(out.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36]);
    while ((n /= 36) != 0);
    return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
}

bool is_problem_document(exchange const& x) {
    return is_of_type(x.header("Content-Type"), "application/problem+json") && !x.code().empty();
}

std::string list(std::vector<int> const& all) {
    std::string out;
    for (int one : all) out += (out.empty() ? "" : " or ") + std::to_string(one);
    return out;
}

std::string list(std::vector<std::string> const& all) {
    std::string out;
    for (auto const& one : all) out += (out.empty() ? "" : " or ") + one;
    return out;
}

template <class T>
bool holds(std::vector<T> const& all, T const& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

scenario::scenario(surroundings& shared, record& into)
    : shared_{shared}, record_{into}, random_{seed_of(shared.options.seed, into.what->id)}, begun_{now()}, suffix_{suffix_of(shared, into)} {}

std::string scenario::suffix_of(surroundings const& shared, record const& of) { return "-" + shared.tag + base36(of.index); }

// ---- the world ----------------------------------------------------------------------------------------------

std::string scenario::since_begun() const { return format_timestamp(begun_ - std::chrono::seconds{5}); }

target_identity const& scenario::identity() const {
    if (!shared_.identity) {
        end(verdict::inconclusive, "the target has no usable identity, so nobody can be registered");
    }
    return *shared_.identity;
}

bool scenario::declares(std::string_view capability) const {
    auto const* names = conformance::at(identity().received, "/capabilities");
    return names && names->is_array() && std::ranges::any_of(names->get_array(), [&](json::value const& n) { return n.is_string() && json::view(n.get_string()) == capability; });
}

void scenario::needs_declared(std::string_view capability) {
    if (!declares(capability)) not_applicable("the target does not declare " + std::string{capability});
}

instant scenario::now() const { return shared_.now(); }

bool scenario::keeps(std::string_view timestamp) const {
    if (!shared_.has_privacy) return true;  // a local backend may let its data expire, too (BSP-PRV-059)
    auto const t = parse_timestamp(timestamp);
    return !t || *t > now() - std::chrono::hours{24} * 3'649;
}

std::string scenario::at(std::chrono::milliseconds offset) const {
    auto moment = now() + std::chrono::nanoseconds{offset};
    moment.nanoseconds -= moment.nanoseconds % 1'000'000;
    return format_timestamp(moment);
}

bool scenario::takes_any_surface() const { return !shared_.has_privacy; }
bool scenario::has_telemetry() const { return shared_.has_telemetry; }

void scenario::wait_until(instant moment) const {
    if (moment > now() + std::chrono::seconds{30}) throw std::logic_error{"a check wants to wait for more than 30 s"};
    while (now() < moment) std::this_thread::sleep_for(std::chrono::milliseconds{10});
}

std::string scenario::fresh(std::string_view stem) {
    std::lock_guard const lock{shared_by_calls_};
    return std::string{stem} + std::to_string(++*record_.names) + suffix_;
}

std::string scenario::fresh_backend_id(std::string_view backend_type) {
    std::string const type{backend_type.empty() ? (target_is_hosted() ? "local" : "hosted") : backend_type};
    return type + "_sha256_" + to_hex(sha256(shared_.nonce + fresh("backend"))).substr(0, 32);
}

std::string scenario::canary(std::size_t length) {
    std::string out;
    while (out.size() < length) out += "abcdefghijklmnopqrstuvwxyz0123456789"[pick(36)];
    return out;
}

std::size_t scenario::pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }

key scenario::key() { return shared_.keys.shared(keys_given_++); }
key scenario::fresh_key() { return shared_.keys.fresh(); }

// ---- the callers --------------------------------------------------------------------------------------------

user_account const& scenario::account() const { return shared_.options.users[record_.user]; }

user_account const& scenario::other_account() const {
    // Else another check might have that user for itself meanwhile.
    if ((record_.what->needs & (need::second_user | need::all_users | need::alone | need::peer_listener)) == 0) throw std::logic_error("the check uses the second user and does not say so");
    if (shared_.options.users.size() < 2) {
        record_.reason = "needs a second user";
        throw verdict_reached{verdict::untested};
    }
    return shared_.options.users[record_.user == 0 ? 1 : 0];
}

std::string const& scenario::admin_token() const {
    if (!shared_.options.admin_token) {
        record_.reason = "needs the admin token";
        throw verdict_reached{verdict::untested};
    }
    return *shared_.options.admin_token;
}

caller scenario::user() { return user(account()); }
caller scenario::other_user() { return user(other_account()); }

caller scenario::user(user_account const& who) {
    caller out{*this, caller::kind::user, who.id};
    out.account_ = who;
    return out;
}

caller scenario::admin() {
    caller out{*this, caller::kind::admin, "admin"};
    out.credential_ = admin_token();
    return out;
}

caller scenario::nobody() { return {*this, caller::kind::nobody, "-"}; }

registration scenario::settled(registration r) {
    if (!r.user) r.user = account();
    if (!r.backend_type) r.backend_type = target_is_hosted() ? "local" : "hosted";
    if (!r.backend_id) r.backend_id = fresh_backend_id(*r.backend_type);
    if (!r.signing_key) r.signing_key = key();
    remember(r.signing_key);
    return r;
}

json::object scenario::session_binding_token(registration const& given) {
    auto const r = settled(given);
    bool const peer_is_local = *r.backend_type == "local";
    json::object sbt{{"session_id", fresh("sess")},
                     {"local_backend_id", peer_is_local ? *r.backend_id : identity().backend_id},
                     {"hosted_backend_id", peer_is_local ? identity().backend_id : *r.backend_id},
                     {"user_id", r.user->id},
                     {"created_at", at(r.created)},
                     {"expires_at", at(r.created + r.lifetime)}};
    if (r.sbt) r.sbt(sbt);
    auto const secret = r.secret.value_or(r.user->secret);
    // What has no canonical form gets a MAC over its plain text: the target must refuse it before it looks.
    auto const canonical = json::canonicalize(sbt, {"signature"});
    sbt["signature"] = to_hex(seal(secret, canonical ? *canonical : json::serialize(sbt)));
    if (r.sbt_after_mac) r.sbt_after_mac(sbt);
    return sbt;
}

json::object scenario::registration_body(registration const& given) {
    auto const r = settled(given);
    json::object who{{"backend_id", *r.backend_id},
                     {"backend_type", *r.backend_type},
                     {"public_key", r.signing_key->public_key().pem()},
                     {"capabilities", json::array{"offline"}},
                     {"version", "1.0"},
                     {"created_at", in_seconds(-3600)}};
    if (r.identity) r.identity(who);
    json::object body{{"backend_identity", std::move(who)}, {"sbt", session_binding_token(r)}};
    if (r.body) r.body(body);
    return body;
}

http_request scenario::registration_request(registration const& r) {
    auto text = json::serialize(registration_body(r));
    if (r.bytes) text = r.bytes(std::move(text));
    http_request request{"POST", target_path("/register-peer"), {{"Content-Type", "application/json"}}, std::move(text), {}};
    if (r.request) r.request(request);
    return request;
}

exchange scenario::attempt_registration(registration const& r, std::string_view who) {
    return perform([&] { return registration_request(r); }, who,
                   "POST /register-peer  " + beginning_of(*r.backend_id, 16) + "… of " + r.user->id);
}

exchange scenario::try_register(registration const& given) { return attempt_registration(settled(given), "-"); }

peer scenario::peer_of(exchange const& x, registration const& given) {
    control(x, "registering a peer");
    auto const r = settled(given);
    auto const peer_id = x.text("/peer_id");
    control(!peer_id.empty(), "the registration has a peer_id");
    std::string name;
    for (auto n = peers_named_++;; n = n / 26 - 1) {
        name.insert(name.begin(), static_cast<char>('A' + n % 26));
        if (n < 26) break;
    }
    known_.emplace_back(peer_id, "{" + name + "}");
    peer out{*this, caller::kind::peer, std::move(name)};
    out.account_ = *r.user;
    out.backend_id_ = *r.backend_id;
    out.backend_type_ = *r.backend_type;
    out.key_ = r.signing_key;
    out.peer_id_ = peer_id;
    out.answer_ = x.body();
    return out;
}

peer scenario::register_peer(registration const& given) {
    auto const r = settled(given);
    return peer_of(attempt_registration(r, "-"), r);
}

peer scenario::register_peer_of(user_account const& who) { return register_peer({.user = who}); }

// ---- objects ------------------------------------------------------------------------------------------------

json::object scenario::message(std::string_view id, std::string_view content, std::int64_t version, edit const& more) const {
    json::object out{{"id", id}, {"role", "user"}, {"content", content}, {"timestamp", in_seconds(-60)},
                     {"surface", "web"}, {"source_backend", "local"}, {"version", version}};
    if (more) more(out);
    return out;
}

json::object scenario::conversation(std::string_view id, std::int64_t version, std::vector<json::object> messages, edit const& more) const {
    json::array all;
    for (auto& m : messages) all.emplace_back(std::move(m));
    json::object out{{"conversation_id", id}, {"version", version}, {"messages", std::move(all)},
                     {"surfaces", json::array{"web"}}, {"last_modified", in_seconds(-30)}, {"source_backend", "local"}};
    if (more) more(out);
    return out;
}

// ---- the wire -----------------------------------------------------------------------------------------------

std::string scenario::target_path(std::string_view path) const { return shared_.target.base_path() + std::string{path}; }
std::string const& scenario::authority() const { return shared_.target.authority(); }

std::string scenario::in_short(std::string text) const {
    replace_all(text, suffix_, "");
    for (auto const& [id, name] : known_) replace_all(text, id, name);
    if (text.size() > 160) text = beginning_of(text, 157) + "…";
    return text;
}

std::shared_ptr<step> scenario::add_step(std::string_view who, std::string summary) {
    std::lock_guard const lock{shared_by_calls_};
    auto s = std::make_shared<step>();
    s->number = record_.steps.size() + 1;
    s->who = who;
    s->summary = in_short(std::move(summary));
    s->at = now();
    s->batch = batch_;
    record_.steps.push_back(s);
    return s;
}

// Somebody else's budget must not be this check's failure.
bool scenario::has_waited_out(int status, std::string const* retry_after, int& times) {
    if (status != 429) return false;
    bool const is_number = retry_after && !retry_after->empty() && retry_after->size() < 4 && retry_after->find_first_not_of("0123456789") == std::string::npos;
    auto const seconds = is_number ? std::stoll(*retry_after) : 1;
    // Checks that run beside this one may spend what is waited for; a date, which is no more than a minute away, is waited for by the second.
    if (times == (is_number ? 20 : 80)) return false;
    auto const wait_ms = std::clamp<std::int64_t>(seconds, 1, 61) * 1000;
    if (shared_.patience_ms.fetch_sub(wait_ms) < wait_ms) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{wait_ms});
    ++times;
    return true;
}

exchange scenario::perform(std::function<http_request()> const& make, std::string_view who, std::string summary) {
    for (int times = 0;;) {
        auto request = make();
        if (summary.empty()) summary = request.method + ' ' + request.target.substr(std::min(request.target.size(), shared_.target.base_path().size()));
        auto const sent = now();
        auto got = shared_.target.send(request, shared_.options.timeout);

        if (got.why == fault::none && has_waited_out(got.response.status, got.response.headers.find("Retry-After"), times)) continue;
        auto const s = add_step(who, summary);
        s->request = std::move(request);
        s->at = sent;
        s->got = std::move(got);
        if (s->got.why == fault::none) {
            if (auto body = json::parse(s->got.response.body)) s->body = *std::move(body);
            shared_.answers.look_at(record_.what->id, s, shared_.target.base_path());
        } else if (!shared_.alive(std::chrono::seconds{10})) {  // it may be slow; who is dead is given up only once
            shared_.lost = true;
            end(verdict::inconclusive, "the target stopped answering: " + s->got.detail);
        }
        return exchange{s};
    }
}

void scenario::recall(step const& seen) {
    std::lock_guard const lock{shared_by_calls_};
    auto s = std::make_shared<step>(seen);
    s->number = record_.steps.size() + 1;
    record_.steps.push_back(std::move(s));
}

exchange scenario::send(http_request request, std::string_view who, std::string summary) {
    if (!request.body.empty() && !request.headers.find("Content-Type")) request.headers.add("Content-Type", "application/json");
    return perform([&] { return request; }, who, std::move(summary));
}

raw_answer scenario::raw(std::string_view bytes, std::chrono::milliseconds deadline, std::string summary) {
    if (!shared_.target.has_sockets()) untested("needs a connection over the network");
    auto const s = add_step("raw", summary.empty() ? std::to_string(bytes.size()) + " bytes" : std::move(summary));
    auto out = shared_.target.raw(bytes, deadline);
    s->request.body = std::string{bytes.substr(0, 64 * 1024)};
    s->got = {out.why, out.detail, {out.status(), {}, out.bytes.substr(0, 64 * 1024)}, out.took};
    s->remark = out.why != fault::none ? out.detail : out.status() == 0 ? "not HTTP" : "";
    return out;
}

void scenario::remember(conformance::seal made) {
    constexpr std::size_t most = 20'000;  // fuzzing signs on and on
    if (made.by) remember(made.by);
    std::lock_guard const lock{shared_by_calls_};
    record_.seals.push_back(std::move(made));
    if (record_.seals.size() > most) record_.seals.pop_front();
}

void scenario::remember(conformance::key const& used) {
    std::lock_guard const lock{shared_by_calls_};
    if (std::find(record_.keys.begin(), record_.keys.end(), used) == record_.keys.end()) record_.keys.push_back(used);
}

bytes scenario::seal(conformance::key const& by, std::string_view text) {
    auto made = by->sign_ps256(text);
    remember({made, std::string{text}, by});
    return made;
}

bytes scenario::seal(std::string const& secret, std::string_view text) {
    auto const mac = hmac_sha256(secret, text);
    bytes made{mac.begin(), mac.end()};
    remember({made, std::string{text}, {}, secret});
    return made;
}

std::vector<exchange> scenario::together(std::vector<std::function<exchange()>> const& calls) {
    batch_ = ++batches_;
    std::vector<std::future<exchange>> running;
    std::latch all_are_ready{static_cast<std::ptrdiff_t>(calls.size())};
    for (auto const& call : calls)
        running.push_back(std::async(std::launch::async, [&all_are_ready, &call] {
            all_are_ready.arrive_and_wait();
            return call();
        }));
    for (auto const& one : running) one.wait();  // `get` may throw, and the others use what lives here
    batch_ = 0;
    std::vector<exchange> out;
    for (auto& one : running) out.push_back(one.get());
    return out;
}

std::vector<exchange> scenario::together(std::size_t copies, http_request const& request, std::string_view who, std::string const& summary) {
    return together(std::vector<std::function<exchange()>>(copies, [&] { return send(request, who, summary); }));
}

void scenario::still_alive(std::string_view after_what, std::chrono::milliseconds patience) {
    if (!shared_.alive(patience)) {
        shared_.lost = true;
        fail_now({"the target still answers after " + std::string{after_what}, "it does not", record_.steps.size(), wanted::answer});
    }
}

void scenario::restart() {
    if (shared_.options.restart_command.empty()) untested("needs --restart-cmd");
    add_step("suite", "restart the target")->hook = "restart";
    if (!shared_.run_hook(shared_.options.restart_command)) inconclusive("--restart-cmd failed, or the target did not come back within 30 s");
}

void scenario::kill_and_restart() {
    if (shared_.options.kill_command.empty()) untested("needs --kill-cmd");
    add_step("suite", "kill the target and start it again")->hook = "kill";
    if (!shared_.run_hook(shared_.options.kill_command)) inconclusive("--kill-cmd failed, or the target did not come back within 30 s");
}

void scenario::advance(std::chrono::milliseconds by) {
    if (!shared_.clock) untested("needs --clock-url");
    (void)add_step("suite", "move the target's clock by " + std::to_string(by.count()) + " ms");
    http_request request{"POST", shared_.clock->base_path(), {{"Content-Type", "application/json"}}, json::serialize(json::object{{"advance_ms", by.count()}}), {}};
    if (shared_.options.admin_token) request.headers.add("Authorization", "Bearer " + *shared_.options.admin_token);
    auto const got = shared_.clock->send(request, shared_.options.timeout);
    if (got.why != fault::none || got.response.status / 100 != 2)
        inconclusive("--clock-url does not move the clock: " + (got.why == fault::none ? "status " + std::to_string(got.response.status) : got.detail));
    shared_.clock_offset += by;
    auto const now = shared_.target.send({"GET", target_path("/identity"), {}, {}, {}}, shared_.options.timeout);
    auto const* date = now.why == fault::none ? now.response.headers.find("Date") : nullptr;
    auto const shown = date ? parse_http_date(*date) : std::nullopt;
    if (shown && std::abs(shown->seconds - this->now().seconds) > 30) inconclusive("the target's clock did not move as --clock-url said: it shows " + *date);
}

// ---- judgement ----------------------------------------------------------------------------------------------

void scenario::end(verdict v, std::string reason) const {
    {
        std::lock_guard const lock{shared_by_calls_};
        record_.reason = std::move(reason);
    }
    throw verdict_reached{v};
}

void scenario::fail_now(finding f) {
    f.expected = in_short(std::move(f.expected));
    f.actual = in_short(std::move(f.actual));
    if (record_.what->about == aspect::exactness) {
        ++record_.exactness_judged;
        record_.inexact.push_back(std::move(f));
        throw verdict_reached{verdict::pass};  // of behaviour, there is nothing to say
    }
    record_.failure = std::move(f);
    throw verdict_reached{verdict::fail};
}

void scenario::expect(bool holds, std::string expected, std::string actual) {
    if (!holds) fail_now({std::move(expected), std::move(actual), record_.steps.size()});
    if (record_.what->about == aspect::exactness) ++record_.exactness_judged;
}

void scenario::expect_in_time(bool holds, std::string expected, std::string actual) {
    if (!holds) fail_now({.expected = std::move(expected), .actual = std::move(actual), .step = record_.steps.size(), .of_time = true});
    expect(true, {}, {});
}

void scenario::expect_same(std::string_view what, json::value const& expected, json::value const* actual) {
    expect(actual && same(expected, *actual), std::string{what} + " is " + show(expected), actual ? show(*actual) : "absent");
}

namespace {

/// Whether a 2xx answer says the least that the answer to such a request says. A target that answers 200
/// to whatever it gets has accepted nothing.
bool says_success(exchange const& x, std::string_view base_path) {
    auto const& request = x.details().request;
    auto path = split_target(request.target).path;
    path.remove_prefix(std::min(base_path.size(), path.size()));
    auto const about = [&](std::string_view prefix) { return path.starts_with(prefix); };
    auto const has_array = [&](std::string_view pointer) { return x.at(pointer) != nullptr && x.at(pointer)->is_array(); };
    bool const get = request.method == "GET", post = request.method == "POST", del = request.method == "DELETE";
    auto const status = x.text("/status");
    if (post && path == "/register-peer") return status == "registered" && !x.text("/peer_id").empty();
    if (post && about("/sync/")) return status == "synced";
    if (post && about("/conversations/")) return !x.text("/id").empty();
    if (del && about("/peers/")) return !status.empty();
    if (get && about("/sync/metrics/")) return !x.text("/peer_id").empty();
    if (get && about("/debug/sync/")) return x.at("/peer_info") != nullptr;
    if (get && path == "/dashboard/telemetry") return x.at("/total_peers") != nullptr;
    if (get && path == "/alerts") return has_array("/alerts");
    if (get && path == "/metrics") return x.body().is_null() && !x.bytes().empty();
    if (get && about("/sync/") && path.ends_with("/digest")) return !x.text("/digest").empty();
    if (get && (about("/sync/") || path == "/conversations")) return has_array("/conversations");
    if (get && about("/conversations/")) return has_array("/messages");
    if (get && path == "/peers") return has_array("/peers");
    if (get && path == "/health") return status == "healthy";
    return true;
}

}  // namespace

void scenario::accepted(exchange const& x, std::string_view what) {
    if (!x.ok()) fail_now({std::string{what} + " is accepted", x.describe(), x.details().number, wanted::success});
    expect(says_success(x, shared_.target.base_path()), std::string{what} + " is answered as such requests are", x.bytes().substr(0, 200));
    evidence(what);
}

void scenario::control(exchange const& x, std::string_view what) {
    if (!x.ok()) inconclusive("control failed: " + std::string{what} + " should be accepted, but got " + x.describe());
    if (!says_success(x, shared_.target.base_path())) inconclusive("control failed: " + std::string{what} + " got " + x.describe() + ", but not the answer to such a request");
    evidence(what);
}

void scenario::control(bool holds, std::string_view what) {
    if (!holds) inconclusive("control failed: " + std::string{what});
    evidence(what);
}

void scenario::refused(exchange const& x, std::string_view what, exactly_as const& form) {
    auto const actual = x.ok() ? x.describe() + ": it was accepted" : x.describe();
    if (!x.client_error()) fail_now({std::string{what} + " is refused", actual, x.details().number, wanted::refusal});
    if (record_.what->about == aspect::exactness) ++record_.exactness_judged;
    if (!form.statuses.empty()) exactly(holds(form.statuses, x.status()), std::string{what} + " is refused with " + list(form.statuses), x.describe());
    if (form.codes.empty() || !is_problem_document(x)) return;
    // Codes that tell a client what to do next are judged; another word for the rest misleads nobody.
    static std::vector<std::string> const decisive{"invalid-sbt", "sbt-expired", "invalid-signature", "stale-request", "unknown-peer", "peer-revoked", "key-mismatch",
                                                   "sync-id-reuse", "sync-paused", "payload-too-large", "rate-limited", "not-canonicalizable", "unsupported-version", "unavailable"};
    auto const expected = std::string{what} + " is refused with code " + list(form.codes);
    if (std::all_of(form.codes.begin(), form.codes.end(), [](auto const& code) { return holds(decisive, code); })) exactly(holds(form.codes, x.code()), expected, x.describe());
    else if (!holds(form.codes, x.code())) note(expected + "; this one: " + x.code());
}

void scenario::exactly(bool holds, std::string expected, std::string actual) {
    ++record_.exactness_judged;
    if (!holds) record_.inexact.push_back({in_short(std::move(expected)), in_short(std::move(actual)), record_.steps.size()});
}

void scenario::evidence(std::string_view what) { record_.controls.push_back(in_short(std::string{what})); }
void scenario::note(std::string text) { record_.notes.push_back(in_short(std::move(text))); }
void scenario::inconclusive(std::string why) { end(verdict::inconclusive, in_short(std::move(why))); }
void scenario::not_applicable(std::string why) { end(verdict::not_applicable, std::move(why)); }
void scenario::untested(std::string why) { end(verdict::untested, std::move(why)); }

}  // namespace bsp::conformance
