#pragma once

#include "figures.hpp"

#include <bsp/json/value.hpp>

#include <string>

namespace bsp::conformance::load {

/// All that a report tells.
struct account {
    std::string url, software, date;  ///< date: "2026-06-30T12:00:00Z"
    std::string command;              ///< that makes such a run again
    std::size_t peers = 0, users = 0;
    double rate = 0;
    load::mix mix;
    bool even = false;
    std::uint64_t seed = 0;
    bool same_machine = false;
    load::figures const& figures;
    verdict_on_data const& data;
    int exit_code = 0;
    std::string opening;  ///< what was odd before the run, or ""
};

/// "Everything acknowledged is there": the verdict in a sentence.
std::string headline(account const&);

/// What to do about what was seen: whole sentences, the most important one first.
std::vector<std::string> advice(account const&);

std::string as_text(account const&);
std::string as_html(account const&);
json::object as_json(account const&);

}  // namespace bsp::conformance::load
