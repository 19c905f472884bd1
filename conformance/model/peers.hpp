#pragma once

#include "merge.hpp"

#include <bsp/base/instant.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace bsp::conformance::model {

/// Chapter 4: which backends are paired with which user, and what became of them.
class registrations {
public:
    struct registration {
        std::string peer_id, key;
        std::string created_at, expires_at;  ///< of the stored session binding token
        json::value capabilities;
        std::vector<json::value> of_older_tokens = {};  ///< capabilities that came later with older ones: BSP-REG-027 leaves open whether they count
    };

    /// What comes of a registration with a valid token.
    enum class outcome {
        is_new,      ///< 200 and a peer_id that was never used before
        is_again,    ///< 200 and the peer_id of the existing one (BSP-REG-023)
        other_key,   ///< refused (BSP-REG-028)
        either,      ///< as `is_again`, or refused: paired again, but the token is of before the unpairing
        too_old,     ///< refused: the token is not later than the unpairing (BSP-REG-044)
        locked_out,  ///< refused: the backend or the key is revoked (BSP-REG-051, BSP-REG-052)
    };
    [[nodiscard]] outcome of(std::string const& user, std::string const& backend, std::string const& key, std::string const& created_at) const;

    /// An accepted registration, `is_new` or `is_again` (BSP-REG-025 … BSP-REG-027).
    void accepted(std::string const& user, std::string const& backend, registration const& r);
    void unpaired(std::string const& user, std::string const& backend, instant now);
    /// BSP-REG-053: of all users.
    void revoked(std::string const& backend, std::string const& key);

    /// The live registration, or null.
    [[nodiscard]] registration const* find(std::string const& user, std::string const& backend) const;

    /// Whether a live registration or a former one had this id (BSP-REG-011).
    [[nodiscard]] bool used(std::string const& peer_id) const { return used_.contains(peer_id); }

private:
    using place = std::pair<std::string, std::string>;  ///< user and backend
    std::map<place, registration> live_;
    std::map<place, instant> unpaired_;
    std::set<std::string> used_, locked_;
};

/// Section 6.2: which pushes are remembered, by `peer_id` and `sync_id`.
class accepted_pushes {
public:
    enum class outcome { first, repetition, reuse };
    [[nodiscard]] outcome of(std::string const& peer_id, std::string const& sync_id, json::value const& pushed) const;
    void accepted(std::string const& peer_id, std::string const& sync_id, json::value const& pushed);

private:
    std::map<std::pair<std::string, std::string>, std::string> octets_;
};

}  // namespace bsp::conformance::model
