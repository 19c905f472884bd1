#pragma once

#include "toolbox.hpp"

#include <iosfwd>
#include <stdexcept>
#include <string>

namespace bsp::server {

/// A command that did what it could and did not reach its end.
struct not_achieved : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What `bsp-server handshake` is told.
struct pairing_request {
    std::string local_url, hosted_url;
    std::string ca_file;  ///< authorities of https backends; "": the system's
    std::string local_fingerprint, hosted_fingerprint;  ///< "": whatever is shown
};

/// Pairs the two backends for the user of `who`, telling on `out` what happens. Returns the words of success; throws
/// `not_achieved` with what to try next, std::runtime_error when the request makes no sense.
std::string pair_backends(toolbox::subject const& who, pairing_request const& asked, std::ostream& out);

}  // namespace bsp::server
