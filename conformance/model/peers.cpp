#include "peers.hpp"

namespace bsp::conformance::model {

registrations::outcome registrations::of(std::string const& user, std::string const& backend, std::string const& key, std::string const& created_at) const {
    if (locked_.contains(backend) || locked_.contains(key)) return outcome::locked_out;
    auto const ended = unpaired_.find({user, backend});
    bool const too_old = ended != unpaired_.end() && parse_timestamp(created_at).value() <= ended->second;
    if (auto const* held = find(user, backend)) return held->key != key ? outcome::other_key : too_old ? outcome::either : outcome::is_again;
    return too_old ? outcome::too_old : outcome::is_new;
}

void registrations::accepted(std::string const& user, std::string const& backend, registration const& r) {
    used_.insert(r.peer_id);
    auto const [held, is_new] = live_.try_emplace({user, backend}, r);
    if (is_new) return;
    auto const stored = parse_timestamp(held->second.created_at).value(), given = parse_timestamp(r.created_at).value();
    if (given < stored) return held->second.of_older_tokens.push_back(r.capabilities);
    held->second.capabilities = r.capabilities;
    held->second.of_older_tokens.clear();
    if (given > stored) {
        held->second.created_at = r.created_at;
        held->second.expires_at = r.expires_at;
    }
}

void registrations::unpaired(std::string const& user, std::string const& backend, instant now) {
    live_.erase({user, backend});
    unpaired_.insert_or_assign({user, backend}, now);
}

void registrations::revoked(std::string const& backend, std::string const& key) {
    locked_.insert({backend, key});
    std::erase_if(live_, [&](auto const& row) { return row.first.second == backend || row.second.key == key; });
}

registrations::registration const* registrations::find(std::string const& user, std::string const& backend) const {
    auto const held = live_.find({user, backend});
    return held == live_.end() ? nullptr : &held->second;
}

accepted_pushes::outcome accepted_pushes::of(std::string const& peer_id, std::string const& sync_id, json::value const& pushed) const {
    auto const known = octets_.find({peer_id, sync_id});
    if (known == octets_.end()) return outcome::first;
    return known->second == octets(pushed) ? outcome::repetition : outcome::reuse;
}

void accepted_pushes::accepted(std::string const& peer_id, std::string const& sync_id, json::value const& pushed) {
    octets_.insert_or_assign({peer_id, sync_id}, octets(pushed));
}

}  // namespace bsp::conformance::model
