#pragma once

#include "sqlite_store.hpp"

#include <bsp/base/instant.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace bsp::server {

/// What an operator wants of the client side, and what the client side says of itself, in the store's file: so
/// commands and a running server reach each other, and what was switched off stays off. Every operation answers
/// `unavailable` when storage fails.
class sync_switch {
public:
    /// The store must outlive this.
    explicit sync_switch(sqlite_store& file) : file_{file} {}

    struct position {
        bool is_on = true;
        std::int64_t asked = 0;   ///< how often somebody wanted it done now
        std::int64_t served = 0;  ///< the last of these that the server took up
    };
    result<position> look();
    result<> turn(bool on);
    /// Wants it done now; the number of the wish, to be found in `served`.
    result<std::int64_t> ask();
    result<> serve(std::int64_t asked);

    struct contact {
        std::string obstacle;  ///< why nothing is sent; "" when nothing stands in the way
        instant at;            ///< since when
    };
    /// By peer_id.
    result<std::map<std::string, contact>> contacts();
    /// Replaces those that are named; with `anew` the others are forgotten.
    result<> put_contacts(std::map<std::string, contact> const& changed, bool anew);

private:
    sqlite_store& file_;
};

}  // namespace bsp::server
