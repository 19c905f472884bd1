#pragma once

#include "sequence.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What two answers to the same request have in common, when names, times and tokens are others each time.
namespace bsp::conformance::replay {

/// Texts that only one run knows, and the `${…}` that stands for each.
class vocabulary {
public:
    void add(std::string text, std::string placeholder);
    /// `text` with every known text replaced, longer ones first.
    [[nodiscard]] std::string abstracted(std::string text) const;

private:
    std::vector<std::pair<std::string, std::string>> words_;  // by length, longest first
};

/// The answer in abstract words: of its lists only what is of the sequence's own making (`requests`: all texts of its
/// requests, abstracted), of its header fields those that mean something.
reply abstract_reply(http_response const&, vocabulary const&, std::string const& requests);

/// Where the second of two abstract answers departs from the first: "/messages/0/content: "a", now "b"", or nothing.
/// Times that the target made may be off by seconds from what `moved` (seconds) makes of the recorded ones, and tokens
/// that it made are only tokens, and whether pages follow counts only `with_pages` (others may have written meanwhile);
/// where such a token would have to be verified, its pointer goes to `unverified`.
std::optional<std::string> difference(reply const& recorded, reply const& now, std::int64_t moved, std::string const& requests, bool with_pages, std::string& unverified);

}  // namespace bsp::conformance::replay
