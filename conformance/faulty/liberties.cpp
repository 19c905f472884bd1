#include "liberties.hpp"

namespace bsp::faulty {

std::vector<liberty> const& all_liberties() {
    static std::vector<liberty> const all = [] {
        std::vector<liberty> out;
        for (auto const list : {form_liberties, trust_liberties, limit_and_audit_liberties, feed_liberties, conversation_liberties, privacy_liberties, client_liberties,
                                client_wire_liberties, telemetry_liberties, watching_liberties})
            for (auto& l : list()) out.push_back(std::move(l));
        return out;
    }();
    return all;
}

}  // namespace bsp::faulty
