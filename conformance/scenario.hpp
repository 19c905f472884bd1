#pragma once

#include "principals.hpp"
#include "verdict.hpp"

#include <bsp/base/bytes.hpp>

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace bsp::conformance {

struct surroundings;  // what all checks of a run share; see surroundings.hpp
struct record;        // what a check has found so far; see record.hpp
struct finding;
struct seal;

/// What the target says of itself at GET /identity, as far as it could be read.
struct target_identity {
    std::string backend_id;
    std::string backend_type;    ///< "local" or "hosted"
    std::string public_key_pem;  ///< may be empty
    json::object received;
};

/// A status set and a code that an exact refusal has. Empty: not judged.
struct exactly_as {
    std::vector<int> statuses = {};
    std::vector<std::string> codes = {};
};

/// What a check is given: the target, people who can call it, names that nobody used before, a clock that
/// agrees with the target's, and the words to judge with. One scenario serves one run of one check.
///
/// The first judgement that goes against the target ends the check (by an exception that only the runner
/// catches); judgements of exactness are noted and the check goes on.
class scenario {
public:
    scenario(surroundings& shared, record& into);
    scenario(scenario const&) = delete;
    scenario& operator=(scenario const&) = delete;

    // ---- the world --------------------------------------------------------------------------------------

    /// INCONCLUSIVE when the target gave no usable identity.
    [[nodiscard]] target_identity const& identity() const;
    [[nodiscard]] bool target_is_hosted() const { return identity().backend_type == "hosted"; }
    /// Whether the target's identity lists this capability.
    [[nodiscard]] bool declares(std::string_view capability) const;
    /// NOT-APPLICABLE where it does not.
    void needs_declared(std::string_view capability);

    /// Now by the target's clock, and as a timestamp with milliseconds, moved by `offset`.
    [[nodiscard]] instant now() const;
    [[nodiscard]] std::string at(std::chrono::milliseconds offset = {}) const;
    [[nodiscard]] std::string in_seconds(std::int64_t seconds) const { return at(std::chrono::seconds{seconds}); }

    /// A `since` that takes in all that the check did, and little of what others did: 5 s before it began, by the target's clock.
    [[nodiscard]] std::string since_begun() const;

    /// Whether the target keeps a message with this timestamp: one that lets data expire keeps ten years at most (BSP-PRV-050).
    [[nodiscard]] bool keeps(std::string_view timestamp) const;
    /// Whether a message may come from a surface that was made up: else only from those of `look_at_privacy` (BSP-PRV-033).
    [[nodiscard]] bool takes_any_surface() const;
    /// Whether the target has the profile TEL.
    [[nodiscard]] bool has_telemetry() const;

    /// Waits until the target's clock shows `moment` (at most 30 s; more is a mistake of the check).
    void wait_until(instant moment) const;

    /// A valid identifier never used before in this or another run: fresh("c") is like "c1-k7q2m9x3".
    /// Names come from a counter, so a shrunk property sees new ones at every attempt.
    [[nodiscard]] std::string fresh(std::string_view stem);
    /// A fresh `backend_id`; default type: the opposite of the target's.
    [[nodiscard]] std::string fresh_backend_id(std::string_view backend_type = {});
    /// `length` random lower-case letters and digits: content that can be searched for. From the seed.
    [[nodiscard]] std::string canary(std::size_t length = 16);
    /// 0 … below-1, from the seed and the check's id.
    [[nodiscard]] std::size_t pick(std::size_t below);

    /// A key of the shared pool, another one at each call within a check. Never for a peer that is revoked.
    [[nodiscard]] conformance::key key();
    /// A key that no other check has seen (30 ms). For revocation, and for everything that sticks to keys.
    [[nodiscard]] conformance::key fresh_key();

    // ---- the callers ------------------------------------------------------------------------------------

    [[nodiscard]] user_account const& account() const;        ///< the first user
    [[nodiscard]] user_account const& other_account() const;  ///< the second; UNTESTED when there is none (need second_user)
    [[nodiscard]] caller user();                              ///< the first user as a caller
    [[nodiscard]] caller other_user();
    [[nodiscard]] caller user(user_account const&);
    [[nodiscard]] caller admin();                             ///< UNTESTED when there is no token (need admin_token)
    [[nodiscard]] std::string const& admin_token() const;
    [[nodiscard]] caller nobody();                            ///< sends no credential

    /// Registers a new peer. Refusal makes the check INCONCLUSIVE: it is a precondition, not the subject.
    [[nodiscard]] peer register_peer(registration const& = {});
    [[nodiscard]] peer register_peer_of(user_account const&);

    /// Registers, and leaves the judgement to the check.
    exchange try_register(registration const& = {});
    /// The peer that `x`, an accepted `try_register`, made. INCONCLUSIVE when it is not one.
    [[nodiscard]] peer peer_of(exchange const& x, registration const&);
    /// The body that `try_register` would send, and its SBT (with `signature`) alone.
    [[nodiscard]] json::object registration_body(registration const& = {});
    [[nodiscard]] json::object session_binding_token(registration const& = {});
    /// Fills every default of `r` (backend id, type, key, user), so that two calls speak of the same backend.
    [[nodiscard]] registration settled(registration r = {});
    /// What `try_register` would send, as a request.
    [[nodiscard]] http_request registration_request(registration const& = {});

    // ---- objects ----------------------------------------------------------------------------------------

    /// A complete message; `more` changes or adds members.
    [[nodiscard]] json::object message(std::string_view id, std::string_view content, std::int64_t version = 1, edit const& more = {}) const;
    /// A complete conversation: version, surfaces ["web"], last_modified now, source_backend "local".
    [[nodiscard]] json::object conversation(std::string_view id, std::int64_t version, std::vector<json::object> messages, edit const& more = {}) const;

    // ---- the wire ---------------------------------------------------------------------------------------

    /// Any request. Fields absent are supplied: Host, Content-Length, and Content-Type for a body. 429 is waited out.
    exchange send(http_request request, std::string_view who = "-", std::string summary = {});
    /// Takes a step of another check into this one's story, for a judgement of it.
    void recall(step const& seen);
    /// Bytes on a bare connection, and what came back. Judge `.status()`; recorded as a step, too.
    raw_answer raw(std::string_view bytes, std::chrono::milliseconds deadline = std::chrono::seconds{5}, std::string summary = {});
    /// "/prefix" + path, as requests and `htu` have it.
    [[nodiscard]] std::string target_path(std::string_view path) const;
    [[nodiscard]] std::string const& authority() const;
    /// Signs with PS256, or makes a MAC (HMAC-SHA256), and remembers it: requests that are signed here can be replayed.
    [[nodiscard]] bytes seal(conformance::key const& by, std::string_view text);
    [[nodiscard]] bytes seal(std::string const& secret, std::string_view text);
    /// Runs all of `calls` at once, each in a thread of its own, and returns their exchanges in the same order. What a
    /// call sends is best made beforehand, so that the requests meet at the target; a call judges nothing.
    std::vector<exchange> together(std::vector<std::function<exchange()>> const& calls);
    /// The same for `copies` times one request.
    std::vector<exchange> together(std::size_t copies, http_request const& request, std::string_view who, std::string const& summary);
    /// Does the target still answer? FAIL when it does not within `patience`: for use after hostile input.
    void still_alive(std::string_view after_what, std::chrono::milliseconds patience = std::chrono::seconds{5});

    /// Runs --restart-cmd / --kill-cmd and waits until the target answers again; UNTESTED without the hook.
    void restart();
    void kill_and_restart();

    /// Moves the target's clock forwards, and this one with it; UNTESTED without --clock-url, INCONCLUSIVE when it does not
    /// move. Nothing moves it back.
    void advance(std::chrono::milliseconds by);

    // ---- judgement --------------------------------------------------------------------------------------

    /// The subject: must hold, or the check fails.
    void expect(bool holds, std::string expected, std::string actual);
    /// The same of a bound on how long the target takes. What fails beside other checks is judged again, beside none.
    void expect_in_time(bool holds, std::string expected, std::string actual);
    /// Both as JSON values; null pointer: absent.
    void expect_same(std::string_view what, json::value const& expected, json::value const* actual);

    /// The subject must be accepted (2xx), or the check fails. Counts as positive evidence.
    void accepted(exchange const& x, std::string_view what);

    /// A precondition or positive control: accepted (2xx), or the check is INCONCLUSIVE. Counts as positive evidence.
    void control(exchange const& x, std::string_view what);
    void control(bool holds, std::string_view what);

    /// The subject must be refused: an answer with 4xx. 2xx, 3xx, 5xx and no answer at all fail. Statuses and
    /// codes, where given, are judged as exactness; the code only if the answer is a problem document.
    /// Not positive evidence: put a control beside it.
    void refused(exchange const& x, std::string_view what, exactly_as const& = {});

    /// Form, not substance: noted under exactness, and the check goes on.
    void exactly(bool holds, std::string expected, std::string actual);

    /// Positive evidence that came in another shape (a raw answer, a timing).
    void evidence(std::string_view what);

    /// A line for the report: what was observed, for MAY and for readers.
    void note(std::string text);

    [[noreturn]] void inconclusive(std::string why);
    [[noreturn]] void not_applicable(std::string why);
    [[noreturn]] void untested(std::string why);

    // ---- for the framework ------------------------------------------------------------------------------

    /// What every fresh name of a record ends with.
    [[nodiscard]] static std::string suffix_of(surroundings const&, record const&);
    [[nodiscard]] surroundings& shared() noexcept { return shared_; }
    [[nodiscard]] record& findings() noexcept { return record_; }

private:
    friend class caller;
    friend class peer;
    friend class line;
    exchange perform(std::function<http_request()> const& make, std::string_view who, std::string summary);
    /// Whether the answer was 429 and has been waited out, so that the request is to be made anew; `times` counts how often it was.
    /// Not for ever: who refuses each time that Retry-After is over refuses something else.
    [[nodiscard]] bool has_waited_out(int status, std::string const* retry_after, int& times);
    [[nodiscard]] std::string in_short(std::string text) const;
    exchange attempt_registration(registration const&, std::string_view who);
    [[nodiscard]] std::shared_ptr<step> add_step(std::string_view who, std::string summary);
    [[noreturn]] void end(verdict v, std::string reason) const;
    void fail_now(finding);
    void remember(conformance::seal);
    void remember(conformance::key const& used);

    surroundings& shared_;
    record& record_;
    mutable std::mutex shared_by_calls_;                     // names, steps and the reason, while calls run together
    std::mt19937_64 random_;
    instant begun_;                                          // by the target's clock
    std::string suffix_;                                     // of every fresh name; left out of summaries
    std::vector<std::pair<std::string, std::string>> known_; // peer ids and what summaries call them
    std::size_t keys_given_ = 0, peers_named_ = 0;
    std::size_t batches_ = 0, batch_ = 0;                    // of calls that run together; 0: none does
};

}  // namespace bsp::conformance
