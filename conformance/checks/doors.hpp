#pragma once

#include "../registry.hpp"
#include "../scenario.hpp"
#include "edits.hpp"

#include <bsp/base/uri.hpp>

#include <string>
#include <utility>
#include <vector>

namespace bsp::conformance {

/// Every path at which a peer may read, as far as the target lets this one: who may come in is decided at each of them.
class doors {
public:
    doors(scenario& s, peer const& a) : world_{s}, a_{a}, conversation_{s.fresh("c")} {
        s.control(a.push({s.conversation(conversation_, 1, {s.message("m1", "x")})}), "a push");
        std::string const own = "/sync/" + a.peer_id();
        for (auto const& [name, path] : std::vector<std::pair<std::string, std::string>>{{"GET /peers", "/peers"},
                                                                                         {"a pull", own + "?limit=1&since=" + percent_encode_segment(s.in_seconds(3600))},
                                                                                         {"a digest", own + "/digest"},
                                                                                         {"the list of conversations", "/conversations?limit=1"},
                                                                                         {"the read of a conversation", "/conversations/" + conversation_},
                                                                                         {"the list of events", "/telemetry/events?limit=1"},
                                                                                         {"the privacy settings", "/privacy-settings"},
                                                                                         {"its metrics", "/sync/metrics/" + a.peer_id()}})
            if (a.get(path).ok()) all_.emplace_back(name, path);
        s.control(!all_.empty(), "there is something that a peer may read");
    }

    void open_to(call_options const& o, std::string const& whom) const {
        for (auto const& [name, path] : all_) world_.accepted(a_.get(path, o), name + " for " + whom);
    }
    void closed_to(call_options const& o, std::string const& whom, exactly_as const& form = {}) const {
        for (auto const& [name, path] : all_) world_.refused(a_.get(path, o), name + " for " + whom, form);
    }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> const& all() const { return all_; }

private:
    scenario& world_;
    peer const a_;
    std::string const conversation_;
    std::vector<std::pair<std::string, std::string>> all_;  ///< what it is, and its path
};

}  // namespace bsp::conformance
