#pragma once

#include "../observed_backend.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/parse.hpp>

/// What the fourth series of faults shares.
namespace bsp::faulty {

/// The correct backend, and who made the request that it serves.
struct knowing_backend : observed_backend {
    using observed_backend::observed_backend;

    result<principal> authenticate(call const& c, unsigned who_may, peer_record* of_path = nullptr) override {
        BSP_TRY(principal who, observed_backend::authenticate(c, who_may, of_path));
        user_ = who.user_id;
        caller_ = who.peer ? who.peer->peer_id : "";
        return who;
    }

protected:
    std::string user_, caller_;  ///< the caller's peer_id, or "" when it is no peer
};

/// What a cursor says, whoever made it for whomever.
inline json::object inside_of_cursor(call const& c) {
    std::string const* given = c.parameter("cursor");
    auto const text = given ? from_base64url(given->substr(0, given->find('.'))) : std::nullopt;
    auto const v = text ? json::parse({reinterpret_cast<char const*>(text->data()), text->size()}) : result<json::value>{json::value{}};
    return v && v->is_object() ? v->get_object() : json::object{};
}

template <class Mutant>
fault fourth(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, bool caught, setting needs = setting::plain) {
    return {id, title, std::move(killed_by), make<Mutant>, needs, {}, trial{4, caught}};
}

std::vector<fault> states_push_faults();
std::vector<fault> states_write_faults();
std::vector<fault> states_privacy_faults();

}  // namespace bsp::faulty
