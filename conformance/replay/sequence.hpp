#pragma once

#include "../json.hpp"

#include <bsp/base/http.hpp>
#include <bsp/base/result.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The requests of a failed check, saved so that they can be sent again: by somebody else, to another target, at another
/// time. What only one run knows stands in the texts as `${…}`:
///
///     ${name}                  a value of the sequence (see `value`), or one of the target: self, url, base, authority,
///                              user-1, secret-1, admin-token
///     ${time:2026-…Z}          a timestamp, moved by what has passed since the recording
///     ${seconds:1795276540}    the same of seconds since the epoch
///     ${json:…} ${percent:…}   what stands behind the colon, escaped for a JSON string or percent-encoded
///     ${upper:…} ${cut:…}      in capitals, without its last character
///     ${line:2:key-1}          the second line of a value
///     ${byte:ff}               one octet
///     ${run:5000:78}           one octet, so many times
namespace bsp::conformance::replay {

/// How a value is come by.
struct value {
    std::string is;           ///< "suffix" of fresh names, "backend-id", "random" (hexadecimal), "key", "answer", "ps256", "hmac-sha256", "base64url"
    std::string of = {};      ///< text that is signed or encoded
    std::string by = {};      ///< ps256: name of the key; hmac-sha256: the secret, as text
    std::string as = {};      ///< spelling of a signature: "base64", "base64url" or "hex"
    std::string type = {};    ///< of a backend-id: "local" or "hosted"
    std::size_t length = 0;   ///< of a suffix, of random digits
    std::size_t step = 0;     ///< answer: to which step …
    std::string at = {};      ///< … and where in it: a JSON pointer, or the name of a header field
};

/// What came back. A status of 0: nothing did, and `fault` says why.
struct reply {
    int status = 0;
    std::string fault = {};
    http_headers headers = {};
    std::string body = {};  ///< lists hold only what is of the check's own making
};

/// One request, or what was done to the target in its place.
struct step {
    std::size_t number = 0;
    std::string who, summary, at;
    std::string method = {}, target = {};  ///< no method: `body` goes to a bare connection as it is
    http_headers headers = {};
    std::string body = {};
    std::string hook = {};      ///< "restart" or "kill" in place of a request
    std::size_t batch = 0;      ///< steps with the same number, not 0, were sent at once
    reply answered = {};
};

/// What the answer to a step should have been, in so far as a status tells it.
inline constexpr std::string_view wanted_refusal = "refusal", wanted_success = "success", wanted_answer = "answer";

struct sequence {
    std::string check, title, suite_version, spec;
    std::vector<std::string> clauses = {};
    std::string time, url, backend_type;
    std::uint64_t seed = 0;
    std::size_t users = 1;  ///< how many of them take part
    bool admin = false;     ///< the administrator does
    // The step at which it was decided, and how:
    std::size_t decisive = 0;
    std::string wanted, expected, actual;

    std::map<std::string, value> values = {};
    std::vector<step> steps = {};
};

json::object to_json(sequence const&);

/// Errors (`bad_request`) say what is wrong with the text, in words for the person who gave the file.
result<sequence> read_sequence(std::string_view text);

/// `text` with every `${x}` replaced by `fill(x)`. A `${` without its `}` is an error (`bad_request`), and so is what
/// `fill` gives as one.
template <class Fill>
result<std::string> filled(std::string_view text, Fill const& fill) {
    std::string out;
    for (;;) {
        auto const from = text.find("${");
        if (from == std::string_view::npos) return out.append(text);
        auto const end = text.find('}', from);
        if (end == std::string_view::npos) return fail(errc::bad_request, "a ${ has no }");
        out += text.substr(0, from);
        BSP_TRY(std::string const by, fill(text.substr(from + 2, end - from - 2)));
        out += by;
        text.remove_prefix(end + 1);
    }
}

}  // namespace bsp::conformance::replay
