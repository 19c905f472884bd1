#include "principals.hpp"

#include "scenario.hpp"
#include "surroundings.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/crypto/signed_object.hpp>

#include <array>

namespace bsp::conformance {
namespace {

std::string random_hex() {
    std::array<std::uint8_t, 16> drawn{};
    random_bytes(drawn);
    return to_hex(drawn);
}

/// Compact JWS (RFC 7515) of whatever header and claims there are.
template <class Sign>
std::string compact_jws(json::object const& header, json::object const& claims, Sign const& sign) {
    auto const input = to_base64url(as_bytes(json::serialize(header))) + '.' + to_base64url(as_bytes(json::serialize(claims)));
    return input + '.' + to_base64url(sign(input));
}

std::string conversations_in_brief(std::vector<json::object> const& all) {
    if (all.size() > 3) return std::to_string(all.size()) + " conversations";
    std::string out;
    for (auto const& c : all) {
        json::value const v = c;
        out += (out.empty() ? "" : ", ") + text_at(v, "/conversation_id") + " v" + std::to_string(integer_at(v, "/version", 0)) + " {";
        auto const messages = objects_at(v, "/messages");
        if (messages.size() > 5) {
            out += std::to_string(messages.size()) + " messages";
        } else {
            bool first = true;
            for (auto const& m : messages) {
                json::value const one = m;
                out += (first ? "" : ", ") + text_at(one, "/id") + " v" + std::to_string(integer_at(one, "/version", 0)) + (at(one, "/deleted") ? " deleted" : "");
                first = false;
            }
        }
        out += "}";
    }
    return out;
}

}  // namespace

std::string caller::authorization(std::string_view method, std::string_view path, call_options const& o) const {
    if (o.authorization) return *o.authorization;
    if (kind_ == kind::nobody) return {};
    if (kind_ == kind::admin) return "Bearer " + credential_;

    bool const is_peer = kind_ == kind::peer;
    auto const iat = world_->now().seconds;
    json::object header{{"alg", is_peer ? "PS256" : "HS256"}, {"typ", is_peer ? "bsp-peer+jwt" : "bsp-user+jwt"}};
    json::object claims{{"iss", is_peer ? backend_id_ : account_.id}, {"sub", is_peer ? peer_id_ : account_.id},
                        {"aud", world_->identity().backend_id}, {"iat", iat}, {"exp", iat + 60}, {"jti", random_hex()},
                        {"htm", std::string{method}}, {"htu", world_->target_path(path)}};
    if (o.header) o.header(header);
    if (o.claims) o.claims(claims);
    std::string compact;
    if (is_peer) {
        compact = compact_jws(header, claims, [&](std::string const& input) { return world_->seal(o.signer ? o.signer : key_, input); });
    } else {
        compact = compact_jws(header, claims, [&](std::string const& input) { return world_->seal(o.secret.value_or(account_.secret), input); });
    }
    if (o.assertion) o.assertion(compact);
    return (is_peer ? "BSP " : "BSP-User ") + compact;
}

exchange caller::call(std::string_view method, std::string_view path, std::optional<std::string> body, call_options const& o) const {
    auto const make = [&] {
        http_request request{std::string{method}, world_->target_path(path), {}, body.value_or(""), {}};
        if (auto value = authorization(method, path, o); !value.empty()) request.headers.add("Authorization", std::move(value));
        if (body) request.headers.add("Content-Type", "application/json");
        if (o.request) o.request(request);
        return request;
    };
    return world_->perform(make, o.who.empty() ? name_ : o.who, {});
}

exchange caller::get(std::string_view path, call_options const& o) const { return call("GET", path, std::nullopt, o); }
exchange caller::del(std::string_view path, call_options const& o) const { return call("DELETE", path, std::nullopt, o); }
exchange caller::post(std::string_view path, json::value const& body, call_options const& o) const { return call("POST", path, json::serialize(body), o); }

exchange caller::read(std::string_view conversation_id, call_options const& o) const {
    return get("/conversations/" + percent_encode_segment(conversation_id), o);
}

exchange caller::write(std::string_view conversation_id, std::string_view content, edit const& more, call_options const& o) const {
    json::object body{{"role", "user"}, {"content", content}, {"surface", "web"}};
    if (more) more(body);
    return post("/conversations/" + percent_encode_segment(conversation_id) + "/messages", body, o);
}

json::object peer::payload(std::vector<json::object> conversations, push_options const& o) const {
    json::array list;
    for (auto& c : conversations) list.emplace_back(std::move(c));
    json::object out{{"sync_id", o.sync_id ? *o.sync_id : world_->fresh("s")},
                     {"timestamp", o.timestamp ? *o.timestamp : world_->at()},
                     {"conversations", std::move(list)},
                     {"peer_id", peer_id_},
                     {"source_backend_id", backend_id_},
                     {"target_backend_id", world_->identity().backend_id}};
    if (o.before_signing) o.before_signing(out);
    if (o.sign) {
        // What has no canonical form is signed over its plain text: the target must refuse it before it looks.
        auto const canonical = json::canonicalize(out);
        out["signature"] = to_base64(world_->seal(o.signer ? o.signer : key_, canonical ? *canonical : json::serialize(out)));
    }
    if (o.after_signing) o.after_signing(out);
    return out;
}

exchange peer::push(std::vector<json::object> conversations, push_options const& o) const {
    auto const path = o.path.value_or("/sync/" + peer_id_);
    auto const summary = "POST /sync  " + conversations_in_brief(conversations);
    auto settled = o;
    if (!settled.sync_id) settled.sync_id = world_->fresh("s");
    auto const make = [&] {
        auto text = json::serialize(payload(conversations, settled));
        if (o.bytes) text = o.bytes(std::move(text));
        http_request request{"POST", world_->target_path(path), {{"Content-Type", "application/json"}}, std::move(text), {}};
        if (o.request) o.request(request);
        return request;
    };
    return world_->perform(make, name_, summary);
}

exchange peer::pull(pull_options const& p, call_options const& o) const {
    std::string query;
    auto const add = [&](std::string_view name, std::string const& value) { query.append(query.empty() ? "?" : "&").append(name).append("=").append(value); };
    if (!p.since.empty()) add("since", percent_encode_segment(p.since));
    if (!p.cursor.empty()) add("cursor", percent_encode_segment(p.cursor));
    if (p.limit) add("limit", std::to_string(*p.limit));
    return get("/sync/" + peer_id_ + query, o);
}

peer::feed peer::pull_all(pull_options p) const {
    constexpr std::size_t pages_max = 10'000;
    feed out;
    for (;;) {
        auto const page = pull(p);
        world_->control(page, "pulling a page");
        for (auto& c : objects_at(page.body(), "/conversations")) out.conversations.push_back(std::move(c));
        out.last_sync = page.text("/last_sync");
        ++out.pages;
        auto const* more = page.at("/has_more");
        if (!more || !more->is_bool() || !more->get_bool()) return out;
        auto const cursor = page.text("/cursor");
        if (cursor.empty() || cursor == p.cursor || out.pages == pages_max) world_->inconclusive("paging through the feed does not come to an end");
        p.cursor = cursor;
    }
}

json::object const* peer::feed::find(std::string_view conversation_id) const {
    json::object const* found = nullptr;
    for (auto const& c : conversations)
        if (auto const* id = json::find_string(c, "conversation_id"); id && json::view(*id) == conversation_id) found = &c;
    return found;
}

bytes peer::sign(std::string_view text) const { return world_->seal(key_, text); }

exchange peer::unpair(call_options const& o) const { return del("/peers/" + peer_id_, o); }

}  // namespace bsp::conformance
