#pragma once

#include "figures.hpp"
#include "script.hpp"

#include <chrono>

/// The requests of a script, sent when they are due.
namespace bsp::conformance::load {

struct traffic_options {
    std::chrono::milliseconds timeout{10'000};  ///< for the answer to one request
    bool telemetry = true;                      ///< every peer has a stream open
};

/// Sends all of the script and fills in `into` and the ledger. Each peer has one connection, on which one request follows
/// the other, and a stream of telemetry; one thread serves all of them. Connections are made before the first request is
/// due, and again by other threads when one ends. Ends when every request has; Ctrl-C ends it early.
void send_all(script&, supply&, figures& into, traffic_options const&);

}  // namespace bsp::conformance::load
