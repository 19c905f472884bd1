#pragma once

#include "../registry.hpp"
#include "../scenario.hpp"
#include "conversing.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a user allows, and how it comes to be so (chapter 16). Settings are the user's, not the check's: all checks that
/// change them run alone, and leave them as they were.
namespace bsp::conformance {

inline constexpr std::string_view settings_path = "/privacy-settings", export_path = "/privacy/export", data_path = "/privacy/data";

inline exchange put_settings(caller const& who, json::object const& body, call_options const& o = {}) { return who.call("PUT", settings_path, json::serialize(body), o); }

/// The settings of somebody for the time of a check.
class own_settings {
public:
    own_settings(scenario& s, caller who, std::string user_id) : world_{s}, who_{std::move(who)}, user_id_{std::move(user_id)}, before_(read()) {}
    explicit own_settings(scenario& s) : own_settings{s, s.user(), s.account().id} {}
    own_settings(own_settings const&) = delete;
    ~own_settings() {
        try {
            put_settings(who_, before_);
        } catch (...) {  // the check has ended, or will say what is wrong
        }
    }

    [[nodiscard]] json::object read() const {
        auto const x = who_.get(settings_path);
        world_.control(x.ok() && x.body().is_object(), "reading the settings, got " + x.describe());
        return x.body().get_object();
    }

    /// With `user_id` added. A precondition.
    void say(json::object change) const { world_.control(try_to_say(std::move(change)), "a change of the settings"); }
    exchange try_to_say(json::object change) const {
        change["user_id"] = user_id_;
        return put_settings(who_, change);
    }

    void is(std::string_view name, json::value const& expected, std::string const& when) const {
        auto const now = read();
        auto const* got = now.if_contains(name);
        world_.expect(got && *got == expected, std::string{name} + " is " + show(expected) + " " + when, got ? show(*got) : "absent");
    }

    [[nodiscard]] json::object const& before() const { return before_; }

private:
    scenario& world_;
    caller who_;
    std::string user_id_;
    json::object before_;
};

inline std::vector<std::string> message_ids(caller const& who, std::string const& conversation) {
    auto const x = who.read(conversation);
    return x.ok() ? live_ids(x.body()) : std::vector<std::string>{};
}

inline bool contains(std::vector<std::string> const& all, std::string_view one) { return std::find(all.begin(), all.end(), one) != all.end(); }

/// The entry of `conflicts` about a message, refused for that reason (BSP-MRG-065).
inline void lists_refusal(scenario& s, exchange const& push, std::string const& conversation, std::string const& message, std::string const& type) {
    s.expect(push.status() == 200, "a push of which a message is refused is answered with 200", push.describe());
    for (auto const& c : objects_at(push.body(), "/conflicts"))
        if (text_at(c, "/conversation_id") == conversation && text_at(c, "/message_id") == message && text_at(c, "/conflict_type") == type) {
            s.expect(text_at(c, "/winner") != "incoming", "a winner that is not the message that was refused", show(c));
            s.exactly(text_at(c, "/resolution_strategy") == "refused", "resolution_strategy \"refused\"", show(c));
            return;
        }
    s.expect(false, "conflicts lists the message as " + type, push.at("/conflicts") ? show(*push.at("/conflicts")) : "no conflicts");
}

/// Everything of a user, as an export tells it. A precondition.
inline exchange exported(scenario& s, caller const& who) {
    auto x = who.get(export_path);
    s.control(x, "an export");
    return x;
}

inline exactly_as paused() { return {.statuses = {403}, .codes = {"sync-paused"}}; }

/// Whether the text of an answer shows `word`.
inline bool shows(exchange const& x, std::string const& word) { return json::serialize(x.body()).find(word) != std::string::npos; }

}  // namespace bsp::conformance
