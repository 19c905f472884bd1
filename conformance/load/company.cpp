#include "company.hpp"

#include "../record.hpp"
#include "../runner.hpp"
#include "../scenario.hpp"
#include "../signing_key.hpp"

#include <bsp/auth/assertion.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/c14n.hpp>

#include <array>
#include <ostream>

namespace bsp::conformance::load {
namespace {

constexpr std::string_view surfaces[] = {"web", "ios", "android", "extension"};
constexpr std::string_view titles[] = {"The garden", "A quiet weekend", "Recipes", "Questions of the children"};

std::string new_id() {
    std::array<std::uint8_t, 16> drawn{};
    random_bytes(drawn);
    return to_hex(drawn);
}

/// For a whole run may be prepared ahead of time, and no server accepts more.
constexpr std::int64_t assertion_lifetime_s = 300;

assertion_claims claims_of(surroundings const& world, std::string iss, std::string sub, std::string_view method, std::string const& target) {
    auto const now = world.now().seconds;
    return {std::move(iss), std::move(sub), world.identity->backend_id, new_id(), std::string{method}, target, now, now + assertion_lifetime_s};
}

void nothing_to_run(scenario&) {}
check const enrolment{"load/enrolment", "", {}, "", "", nothing_to_run};

std::string why_refused(exchange const& x, user_account const& who) {
    auto const begin = "a backend of user " + who.id + " cannot register: " + x.describe() + "\n";
    if (x.status() == 401 || x.status() == 403) return begin + "Does the backend know this user, with the very pairing secret of the users file? `bsp-conformance doctor` tells more.";
    if (x.status() == 429) return begin + "It limits registrations by address: name fewer --peers, wait a minute, or allow more where it runs.";
    if (x.status() == 404) return begin + "Does the URL need a prefix?";
    return begin + "Its log should say why; the answer says: " + show(x.body(), 160);
}

}  // namespace

company::company(surroundings& shared, std::size_t count, std::ostream& out) : world{shared} {
    record found{enrolment, 0};
    scenario s{world, found};
    auto const type = s.target_is_hosted() ? "local" : "hosted";
    (void)world.keys.shared(0);
    for (std::size_t i = 0; i < count; ++i) {
        auto const user = i % world.options.users.size();
        auto const& account = world.options.users[user];
        if (i % 100 == 0 && i > 0) out << "          " << i << " of " << count << " peers have registered" << std::endl;
        // The next ones are made meanwhile.
        auto const key = world.keys.fresh();
        registration const wanted = s.settled({.user = account, .backend_id = s.fresh_backend_id(type), .backend_type = type, .signing_key = key});
        try {
            auto const x = s.try_register(wanted);
            if (!x.ok() || x.text("/peer_id").empty()) throw cannot_begin{exit_code::usage, why_refused(x, account)};
            peers.push_back({x.text("/peer_id"), user, {*wanted.backend_id, surfaces[i % std::size(surfaces)]}, key});
        } catch (verdict_reached const&) {
            throw cannot_begin{exit_code::unreachable, "the target went away while peers registered: " + found.reason};
        }
        found.steps.clear();
        found.keys.clear();
        for (std::size_t k = 0; k < conversations_per_peer; ++k) {
            peers.back().conversations.push_back(conversations.size());
            conversations.push_back({name("c", i) + "-" + std::to_string(k), std::string{titles[k % std::size(titles)]}, user, {}});
        }
    }
}

std::string company::name(std::string_view stem, std::size_t number) const { return "load-" + world.tag + "-" + std::string{stem} + std::to_string(number); }

std::string company::by_peer(participant const& p, std::string_view method, std::string const& target) const {
    auto const input = bsp::detail::jws_signing_input({{"alg", "PS256"}, {"typ", "bsp-peer+jwt"}}, bsp::detail::to_json(claims_of(world, p.voice.source_backend, p.peer_id, method, target)));
    return "BSP " + input + '.' + to_base64url(p.key->sign_ps256(input));
}

std::string company::by_user(user_account const& who, std::string_view method, std::string const& target) const {
    return "BSP-User " + mint_user_assertion(claims_of(world, who.id, who.id, method, target), who.secret);
}

http_request company::push(participant const& p, std::string const& sync_id, std::vector<json::object> changed) const {
    json::array list;
    for (auto& c : changed) list.emplace_back(std::move(c));
    json::object payload{{"sync_id", sync_id},           {"timestamp", format_timestamp({world.now().seconds, 0})}, {"conversations", std::move(list)},
                         {"peer_id", p.peer_id},         {"source_backend_id", p.voice.source_backend},             {"target_backend_id", world.identity->backend_id}};
    payload["signature"] = to_base64(p.key->sign_ps256(json::canonicalize(payload).value()));
    return {"POST", world.target.base_path() + "/sync/" + p.peer_id, {{"Content-Type", "application/json"}}, json::serialize(payload), {}};
}

http_request company::pull(participant const& p, std::string const& since, std::string const& cursor) const {
    auto const target = world.target.base_path() + "/sync/" + p.peer_id + "?since=" + percent_encode_segment(since) + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor));
    return {"GET", target, {{"Authorization", by_peer(p, "GET", target)}}, {}, {}};
}

http_request company::read(kept_conversation const& c) const {
    auto const target = world.target.base_path() + "/conversations/" + c.id;
    return {"GET", target, {{"Authorization", by_user(world.options.users[c.user], "GET", target)}}, {}, {}};
}

http_request company::stream(participant const& p) const {
    auto const target = world.target.base_path() + "/telemetry/" + p.peer_id;
    return {"GET", target, {{"Authorization", by_peer(p, "GET", target)}}, {}, {}};
}

http_request company::unpair(participant const& p) const {
    auto const target = world.target.base_path() + "/peers/" + p.peer_id;
    return {"DELETE", target, {{"Authorization", by_peer(p, "DELETE", target)}}, {}, {}};
}

}  // namespace bsp::conformance::load
