#include "backend.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace bsp::faulty {

namespace {

using std::chrono::seconds;

constexpr std::size_t push_bytes_max = 3u << 20;  // 10 MiB are accepted everywhere; escapes may take three times as much
constexpr instant end_of_time{253'402'300'799, 0};

json::value parsed(std::optional<http_response> const& r) {
    auto v = r ? json::parse(r->body) : result<json::value>{json::value{}};
    return v ? *std::move(v) : json::value{};
}

std::string text_of_member(json::value const& body, std::string_view name) {
    if (!body.is_object()) return {};
    json::string const* text = json::find_string(body.get_object(), name);
    return text ? std::string{json::view(*text)} : std::string{};
}

bool is_loopback(std::string_view origin) {
    std::string_view host = origin.substr(origin.find("://") + 3);
    host = host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
    return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

/// The latest commit of a conversation that did not come from the peer itself.
std::optional<instant> changed_for(conversation const& c, std::string const& peer_id) {
    std::optional<instant> latest;
    for (auto const& [who, when] : c.brought)
        if (who != peer_id && (!latest || *latest < when)) latest = when;
    return latest;
}

/// A long conversation that was refused is due as a whole: what follows of it does not go by itself.
void leave_out_rest(link& to, parcel& refused) {
    while (!to.outgoing.empty() && !to.outgoing.front().ids.empty() && to.outgoing.front().ids.front() == refused.ids.front()) {
        parcel& next = to.outgoing.front();
        next.ids.erase(next.ids.begin());
        next.conversations.erase(next.conversations.begin());
        if (!next.ids.empty()) return;
        refused.last = next.last;
        to.outgoing.pop_front();
    }
}

}  // namespace

std::pair<std::string, std::string> origin_and_path(std::string const& url) {
    std::size_t const slash = url.find('/', url.find("://") + 3);
    return slash == std::string::npos ? std::pair{url, std::string{}} : std::pair{url.substr(0, slash), url.substr(slash)};
}

bool backend::may_dial(peer_record const& peer) { return !peer.sync_endpoint.empty() && settings_.backend_type != "hosted" && may_call(peer.sync_endpoint); }

bool backend::may_call(std::string const& url) {
    std::string const origin = origin_and_path(url).first;
    bool const listed = std::find(settings_.peer_allow.begin(), settings_.peer_allow.end(), origin) != settings_.peer_allow.end();
    return listed && (origin.starts_with("https://") || is_loopback(origin));
}

bool backend::may_exchange(peer_record const& peer, link const& to, instant now) {
    return !peer.revoked && to.reachable && now < peer.sbt_expires && to.refused_token != peer.sbt_created;
}

// ---- what is pushed ----

bool backend::is_due(conversation const& c, std::string const& id, peer_record const& peer, link const& to) {
    if (auto const aside = to.set_aside.find(id); aside != to.set_aside.end()) return aside->second <= std::chrono::steady_clock::now();
    auto const changed = changed_for(c, peer.peer_id);
    return changed && to.pushed < *changed;
}

std::vector<std::pair<instant, std::string>> backend::due_for(peer_record const& peer, link const& to) {
    std::vector<std::pair<instant, std::string>> due;
    for (auto const& [id, c] : tenant_of(peer.user_id))
        if (is_due(c, id, peer, to)) due.emplace_back(changed_for(c, peer.peer_id).value_or(c.committed), id);
    std::sort(due.begin(), due.end());
    return due;
}

void backend::take_snapshot(peer_record const& peer, link& to) {
    tenant const& all = tenant_of(peer.user_id);
    std::size_t bytes = 0;
    auto const add = [&](std::string const& id, json::object entry, std::size_t size) {
        bool const goes_on = !to.outgoing.empty() && to.outgoing.back().ids.back() == id;  // the rest of a long conversation
        if (to.outgoing.empty() || goes_on || bytes + size > push_bytes_max || to.outgoing.back().ids.size() >= conversations_max()) {
            if (!to.outgoing.empty()) to.outgoing.back().last = false;
            to.outgoing.push_back({new_sync_id(), {}, {}, state_.last_commit, true, redacts_for(peer)});
            bytes = 0;
        }
        bytes += size;
        to.outgoing.back().conversations.push_back(std::move(entry));
        to.outgoing.back().ids.push_back(id);
    };
    for (auto const& [when, id] : due_for(peer, to)) {
        json::object entry = outgoing(push_entry(id, all.at(id)), &peer, outlet::push);
        json::array const messages = std::move(entry["messages"].as_array());
        json::array part;
        std::size_t const own = json::serialize(entry).size();
        std::size_t size = own;
        auto const flush = [&] {
            json::object one = entry;
            one["messages"] = std::move(part);
            add(id, std::move(one), size);
            part = json::array{};
            size = own;
        };
        for (auto const& m : messages) {
            std::size_t const more = json::serialize(m).size();
            if (!part.empty() && (part.size() >= messages_max() || size + more > push_bytes_max)) flush();
            part.push_back(m);
            size += more;
        }
        flush();
    }
}

json::object backend::payload(peer_record const& peer, parcel const& p, instant now) {
    json::object out{{"sync_id", p.sync_id},
                     {"timestamp", format_timestamp(now)},
                     {"conversations", p.conversations},
                     {"peer_id", peer.remote_id},
                     {"source_backend_id", backend_id_},
                     {"target_backend_id", peer.backend_id}};
    out["signature"] = sign_object(out, key_).value();
    return out;
}

http_request backend::push_request(peer_record const& peer, parcel const& p, instant now) {
    return {"POST", origin_and_path(peer.sync_endpoint).second, {{"Content-Type", "application/json"}}, json::serialize(payload(peer, p, now)), {}};
}

void backend::acknowledged(link& to, parcel const& p) {
    if (p.last) to.pushed = p.snapshot;
    for (auto const& id : p.ids) to.set_aside.erase(id);
    to.outgoing.pop_front();
}

// ---- answers ----

outcome backend::outcome_of(int status, std::string const& code) {
    if (status == 0 || status < 400 || status >= 500 || status == 408 || status == 425 || status == 429 || code == "stale-request") return outcome::again;
    if (status == 400 || status == 413 || status == 422) return outcome::refused_content;
    if (code == "sbt-expired" || code == "invalid-sbt") return outcome::waits_for_token;
    if (code == "epoch-changed") return outcome::begins_anew;
    if (code == "sync-id-reuse") return outcome::other_sync_id;
    return outcome::left_alone;
}

outcome backend::outcome_of_push(parcel const& p, std::optional<http_response> const& r, json::value const& b) {
    if (r && r->status == 200 && text_of_member(b, "acked_sync_id") == p.sync_id) return outcome::done;
    return outcome_of(r ? r->status : 0, text_of_member(b, "code"));
}

void backend::settle_push(peer_record const& peer, link& to, std::optional<http_response> const& r) {
    auto const now = std::chrono::steady_clock::now();
    json::value const body = parsed(r);
    parcel& p = to.outgoing.front();
    switch (outcome_of_push(p, r, body)) {
        case outcome::done:
            to.failures[pushes] = 0;
            to.interval = interval_from(body, to.interval);
            ++changes_, news_.notify_all();  // whoever waits, waits for as long as the interval was
            tell_of(to, "push", p.conversations, p.sync_id);
            acknowledged(to, p);
            break;
        case outcome::refused_content:
            narrow_down(to);
            to.not_before[pushes] = now + pause_after_refusal();
            break;
        case outcome::waits_for_token: to.refused_token = peer.sbt_created; break;
        case outcome::begins_anew: begin_anew(to); break;
        case outcome::other_sync_id: p.sync_id = new_sync_id(); [[fallthrough]];
        case outcome::again: failed(to, pushes, r); break;
        case outcome::left_alone: to.not_before = {now + left_alone_for(), now + left_alone_for()}; break;
    }
}

/// Two halves of what was refused; one conversation alone is set aside.
void backend::narrow_down(link& to) {
    parcel whole = std::move(to.outgoing.front());
    to.outgoing.pop_front();
    if (whole.ids.size() == 1) {
        to.set_aside[whole.ids.front()] = std::chrono::steady_clock::now() + seconds{300};
        leave_out_rest(to, whole);
        if (whole.last) to.pushed = whole.snapshot;
        return;
    }
    auto const half = whole.ids.size() / 2;
    parcel first{new_sync_id(), {}, {}, whole.snapshot, false, whole.redacted}, second{new_sync_id(), {}, {}, whole.snapshot, whole.last, whole.redacted};
    for (std::size_t i = 0; i < whole.ids.size(); ++i) {
        parcel& into = i < half ? first : second;
        into.ids.push_back(whole.ids[i]);
        into.conversations.push_back(whole.conversations[i]);
    }
    to.outgoing.push_front(std::move(second));
    to.outgoing.push_front(std::move(first));
}

void backend::begin_anew(link& to) {
    to.pushed = link{}.pushed;
    to.outgoing.clear();
    to.since = to.cursor = to.epoch = {};
    to.next_pull = std::chrono::steady_clock::now() + seconds{1};
    ++changes_, news_.notify_all();
}

void backend::failed(link& to, channel which, std::optional<http_response> const& r) {
    auto const now = std::chrono::steady_clock::now();
    to.retry_at[which] = now + retry_delay(++to.failures[which]);
    to.not_before[which] = now + retry_after(r, system_now());
}

std::chrono::milliseconds backend::retry_delay(unsigned failures) { return seconds{std::min(64, 1 << std::min(failures - 1, 6u))}; }

/// A count of seconds or a date; of more than an hour, an hour.
std::chrono::milliseconds backend::retry_after(std::optional<http_response> const& r, instant now) {
    std::string const* given = r ? r->headers.find("Retry-After") : nullptr;
    if (!given) return {};
    std::int64_t wait = 0;
    if (auto const [end, bad] = std::from_chars(given->data(), given->data() + given->size(), wait); bad != std::errc{} || end != given->data() + given->size()) {
        std::tm date{};
        if (!strptime(given->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date)) return {};
        wait = timegm(&date) - now.seconds;
    }
    return seconds{std::clamp<std::int64_t>(wait, 0, 3'600)};
}

std::chrono::milliseconds backend::interval_from(json::value const& b, milliseconds before) {
    json::value const* given = b.is_object() ? b.get_object().if_contains("next_sync_in_ms") : nullptr;
    if (given && given->is_uint64()) return milliseconds{300'000};
    return given && given->is_int64() ? milliseconds{std::clamp<std::int64_t>(given->get_int64(), 1'000, 300'000)} : before;
}

// ---- pull ----

std::string backend::peer_assertion(peer_record const& peer, std::string const& method, std::string const& target, instant now) {
    json::object const header{{"alg", "PS256"}, {"typ", "bsp-peer+jwt"}};
    json::object const claims{{"iss", backend_id_}, {"sub", peer.remote_id}, {"aud", peer.backend_id}, {"iat", now.seconds},
                              {"exp", now.seconds + 60}, {"jti", new_jti()}, {"htm", method}, {"htu", target}};
    std::string const input = to_base64url(as_bytes(json::serialize(header))) + '.' + to_base64url(as_bytes(json::serialize(claims)));
    return input + '.' + to_base64url(key_.sign_ps256(input));
}

bool backend::holds_pulls_open(peer_record const& peer) {
    return std::any_of(peer.capabilities.begin(), peer.capabilities.end(), [](json::value const& c) { return c == json::value("live_pull"); });
}

http_request backend::pull_request(peer_record const& peer, link const& to, instant now) {
    std::string target = origin_and_path(peer.sync_endpoint).second;
    char before = '?';
    auto const add = [&](std::string_view name, std::string const& value) {
        if (value.empty()) return;
        target.append(1, before).append(name).append("=").append(percent_encode_segment(value));
        before = '&';
    };
    add("since", to.since);
    add("cursor", to.cursor);
    add("epoch", to.epoch);
    if (holds_pulls_open(peer)) add("wait", "25");
    return {"GET", target, {{"Authorization", "BSP " + peer_assertion(peer, "GET", target, now)}}, {}, {}};
}

void backend::settle_pull(peer_record const& peer, link& to, std::optional<http_response> const& r) {
    auto const now = std::chrono::steady_clock::now();
    json::value const body = parsed(r);
    if (r && r->status == 200 && body.is_object() && take_in_page(peer, to, body.get_object())) {
        to.failures[pulls] = 0;
        return;
    }
    switch (outcome_of(r ? r->status : 0, text_of_member(body, "code"))) {
        case outcome::refused_content:
            if (to.since.empty() && to.cursor.empty()) to.not_before[pulls] = now + left_alone_for();
            else to.next_pull = now + pause_after_refusal();
            to.since = to.cursor = {};
            break;
        case outcome::waits_for_token: to.refused_token = peer.sbt_created; break;
        case outcome::begins_anew: begin_anew(to); break;
        case outcome::left_alone: to.not_before = {now + left_alone_for(), now + left_alone_for()}; break;
        default: failed(to, pulls, r); to.next_pull = {}; break;
    }
}

result<tenant> backend::decode_page(json::object const& page) {
    BSP_TRY(json::elements const given, json::fields{page}.required_array("conversations"));
    tenant incoming;
    for (std::size_t i = 0; i < given.size(); ++i) {
        BSP_TRY(json::fields const f, given.object_at(i));
        BSP_TRY(auto entry, decode_conversation(f, end_of_time));  // whatever lies ahead: the other side has it already
        join(incoming[entry.first], entry.second);
    }
    return incoming;
}

bool backend::take_in_page(peer_record const& peer, link& to, json::object const& page) {
    json::fields const f{page};
    auto const mark = text_of(f, "last_sync");
    auto const* more = page.if_contains("has_more");
    auto const epoch = f.optional_string("epoch"), cursor = f.optional_string("cursor");
    if (!mark || !more || !more->is_bool() || !epoch || !cursor || (more->get_bool() && !*cursor)) return false;
    if (*epoch && !to.epoch.empty() && to.epoch != **epoch) {
        begin_anew(to);
        to.epoch = **epoch;
        return true;
    }
    auto incoming = decode_page(page);
    if (!incoming) return false;
    keep_own_members(tenant_of(peer.user_id), *incoming);
    instant const before = state_.last_commit;
    apply(peer, *incoming, system_now());
    bool const news = std::any_of(incoming->begin(), incoming->end(), [&](auto const& c) { return before < tenant_of(peer.user_id)[c.first].committed; });
    if (news) {
        tell_of(to, "pull", page.at("conversations").as_array(), {});
        ++changes_, news_.notify_all();
    }
    if (*epoch) to.epoch = **epoch;
    to.cursor = more->get_bool() ? std::string{**cursor} : std::string{};
    if (!more->get_bool()) to.since = *mark;
    auto const now = std::chrono::steady_clock::now();
    if (more->get_bool() || (news && holds_pulls_open(peer))) to.next_pull = now;
    else if (holds_pulls_open(peer)) to.next_pull = to.pull_begun + seconds{1};
    else to.next_pull = link::time::max();  // the interval says when
    return true;
}

// ---- reachability ----

bool backend::is_healthy(std::optional<http_response> const& r) { return r && r->status == 200 && text_of_member(parsed(r), "status") == "healthy"; }

void backend::reachability_changed(link& to, bool reachable) {
    to.reachable = reachable;
    if (reachable) {
        to.failures = {};
        to.retry_at = {};
        to.next_pull = {};
    }
    ++changes_, news_.notify_all();
}

}  // namespace bsp::faulty
