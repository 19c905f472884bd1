#include "../surroundings.hpp"
#include "habits.hpp"
#include "privacy.hpp"

// Section 16.1: the settings themselves.

namespace bsp::conformance {
namespace {

json::object defaults() {
    return {{"sync_enabled", true}, {"sync_conversations", true}, {"sync_telemetry", true}, {"redact_pii", true}, {"retention_days", 90}, {"allowed_surfaces", {"web", "ios", "android", "extension"}}};
}

/// Nobody outside knows who never said anything; but what two users have in common, and no run has left, is no accident.
void defaults_hold(scenario& s) {
    auto const& found = s.shared().privacy_found;
    if (found.size() < 2) s.untested("needs two users whose settings can be read");
    for (auto const& member : defaults()) {
        auto const* first = found.begin()->second.if_contains(member.key());
        auto const* second = std::next(found.begin())->second.if_contains(member.key());
        std::string const name{json::view(member.key())};
        s.expect(first && second, "the settings have the member " + name, "they do not");
        auto same = [&](json::value const& v) {
            if (!v.is_array()) return v == member.value();
            auto a = v.get_array(), b = member.value().get_array();
            auto const less = [](auto const& x, auto const& y) { return json::serialize(x) < json::serialize(y); };
            std::sort(a.begin(), a.end(), less), std::sort(b.begin(), b.end(), less);
            return a == b;
        };
        if (same(*first) && same(*second)) continue;
        bool const left_by_a_run = name == "retention_days" && *first == json::value(3650);
        if (*first != *second || left_by_a_run || (name == "allowed_surfaces" && first->is_array() && first->get_array().size() > 8)) s.untested("the users of this run have settings of their own");
        s.expect(false, name + " is " + show(member.value()) + " for users who never said otherwise", show(*first));
    }
    s.evidence("the defaults");
}

void settings_are_kept(scenario& s) {
    own_settings mine{s};
    for (auto const* name : {"user_id", "sync_enabled", "sync_conversations", "sync_telemetry", "redact_pii", "retention_days", "allowed_surfaces"})
        s.expect(mine.before().contains(name), std::string{"the settings have the member "} + name, show(mine.before()));
    s.expect(text_at(mine.before(), "/user_id") == s.account().id, "user_id is that of the user", text_at(mine.before(), "/user_id"));
    json::object const first{{"sync_enabled", false}, {"sync_conversations", false}, {"sync_telemetry", false}, {"redact_pii", false}, {"retention_days", 3650}, {"allowed_surfaces", {"web", "watch"}}};
    json::object const second{{"sync_enabled", true}, {"sync_conversations", true}, {"sync_telemetry", true}, {"redact_pii", true}, {"retention_days", 3649}, {"allowed_surfaces", json::array{}}};
    for (auto const& said : {first, second}) {
        auto const x = mine.try_to_say(said);
        s.accepted(x, "a PUT of all settings");
        s.exactly(x.text("/status") == "updated", "status \"updated\"", x.describe());
        for (auto const& m : said) mine.is(json::view(m.key()), m.value(), "after it was put");
    }
}

/// Of each member alone: the others stay, also those that allow less than the defaults.
void partial_put(scenario& s) {
    own_settings mine{s};
    json::object said{{"sync_enabled", false}, {"sync_conversations", false}, {"sync_telemetry", false}, {"redact_pii", false}, {"retention_days", 3648}, {"allowed_surfaces", json::array{"ios"}}};
    mine.say(said);
    mine.say({});
    for (auto const& m : said) mine.is(json::view(m.key()), m.value(), "after a PUT without members");
    for (auto const& [name, value] : {std::pair<char const*, json::value>{"retention_days", 3647}, {"sync_telemetry", true}, {"allowed_surfaces", json::array{"web"}}, {"redact_pii", true}, {"sync_conversations", true}, {"sync_enabled", true}}) {
        s.accepted(mine.try_to_say({{name, value}}), std::string{"a PUT of "} + name + " alone");
        said[name] = value;
        for (auto const& m : said) mine.is(json::view(m.key()), m.value(), std::string{"after a PUT of "} + name + " alone");
    }
}

void wrong_settings(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"retention_days", 3650}});
    auto const before = mine.read();
    struct wrong {
        char const* name;
        json::value value;
    };
    std::vector<wrong> all;
    for (json::value const& v : {json::value(0), json::value(-1), json::value(3651), json::value(1'000'000'000), json::value("90"), json::value(90.5), json::value(nullptr), json::value(true), json::value(json::array{90})}) all.push_back({"retention_days", v});
    for (auto const* name : {"sync_enabled", "sync_conversations", "sync_telemetry", "redact_pii"})
        for (json::value const& v : {json::value("false"), json::value(0), json::value(nullptr), json::value(json::object{})}) all.push_back({name, v});
    for (json::value const& v : {json::value("web"), json::value(nullptr), json::value(json::array{1}), json::value(json::array{nullptr})}) all.push_back({"allowed_surfaces", v});
    for (auto const& [name, value] : all) {
        // Another member beside it is right, and must not be taken either.
        json::object change{{name, value}};
        change[std::string_view{name} == "redact_pii" ? "sync_telemetry" : "redact_pii"] = before.at(std::string_view{name} == "redact_pii" ? "sync_telemetry" : "redact_pii") != json::value(true);
        s.refused(mine.try_to_say(change), std::string{"a PUT with "} + name + " " + show(value), {.statuses = {422, 400}, .codes = {"invalid-body", "malformed-body"}});
        auto const now = mine.read();
        s.expect(now == before, std::string{"the settings are as before after the refused "} + name + " " + show(value), show(now));
    }
    for (std::string const spelling : {"90.0", "9e1", "90.5", "-0", "1e400", "090"}) {
        auto const x = s.user().call("PUT", settings_path, R"({"user_id": )" + json::serialize(json::value(s.account().id)) + R"(, "retention_days": )" + spelling + "}");
        s.refused(x, "a PUT with retention_days spelled " + spelling, {.statuses = {422, 400}, .codes = {"invalid-body", "malformed-body"}});
        s.expect(mine.read() == before, "the settings are as before after the refused " + spelling, show(mine.read()));
    }
    s.accepted(mine.try_to_say({{"retention_days", 3649}}), "a PUT with retention_days 3649");
}

void unknown_members(scenario& s) {
    own_settings mine{s};
    auto const name = "x_" + s.canary(8);
    s.accepted(mine.try_to_say({{name, {{"theme", "dark"}}}, {"redact_pii", false}}), "a PUT with an unknown member");
    mine.is("redact_pii", false, "after a PUT that also had an unknown member");
}

void unknown_members_stay(scenario& s) {
    own_settings mine{s};
    auto const name = "x_" + s.canary(8);
    mine.say({{name, {{"theme", "dark"}}}});
    mine.say({{"redact_pii", false}});
    mine.is(name, json::object{{"theme", "dark"}}, "after a PUT without it");
    mine.say({{name, nullptr}});
}

void settings_of_another(scenario& s) {
    own_settings mine{s}, theirs{s, s.other_user(), s.other_account().id};
    auto const mine_before = mine.read(), theirs_before = theirs.read();
    s.refused(put_settings(s.user(), {{"user_id", s.other_account().id}, {"sync_enabled", false}, {"retention_days", 1}}), "a PUT with the user_id of another user", {.statuses = {403}});
    s.expect(mine.read() == mine_before, "the settings of the caller are as before", show(mine.read()));
    s.expect(theirs.read() == theirs_before, "the settings of the other user are as before", show(theirs.read()));
    mine.say({{"retention_days", 3640}, {"redact_pii", false}});
    s.expect(theirs.read() == theirs_before, "a PUT of one user leaves the settings of another as they were", show(theirs.read()));
}

void settings_need_a_credential(scenario& s) {
    own_settings mine{s};
    auto const before = mine.read();
    exactly_as const unauthorized{.statuses = {401}};
    json::object const change{{"user_id", s.account().id}, {"sync_enabled", false}};
    s.refused(s.nobody().get(settings_path), "a GET without a credential", unauthorized);
    s.refused(put_settings(s.nobody(), change), "a PUT without a credential", unauthorized);
    s.refused(put_settings(s.user(), change, {.secret = "another secret, which nobody was given"}), "a PUT under another secret", unauthorized);
    s.refused(put_settings(s.user(), change, {.claims = set("htm", "GET")}), "a PUT with the assertion of a GET", unauthorized);
    auto const authorization = s.user().authorization("PUT", settings_path);
    s.control(put_settings(s.user(), {{"user_id", s.account().id}}, {.authorization = authorization}), "a PUT with an assertion");
    s.refused(put_settings(s.user(), change, {.authorization = authorization}), "a PUT with an assertion that was used before", unauthorized);
    s.expect(mine.read() == before, "the settings are as before", show(mine.read()));
}

/// There is one set of settings for a user, whoever of those who may changes and reads it.
void settings_are_the_users(scenario& s) {
    own_settings mine{s};
    mine.say({{"retention_days", 3645}, {"sync_telemetry", true}});
    auto const a = s.register_peer(), b = s.register_peer();
    auto const seen_by = [&](caller const& who, std::string const& what, std::int64_t days) {
        auto const x = who.get(settings_path);
        s.accepted(x, "reading the settings as " + what);
        s.expect(x.text("/user_id") == s.account().id, "user_id is that of the user", x.text("/user_id"));
        s.expect(integer_at(x.body(), "/retention_days") == days, what + " reads retention_days " + std::to_string(days), show(x.body()));
    };
    // Each has read them before somebody else changes them.
    auto const seen_by_all = [&](std::string const& when, std::int64_t days) {
        seen_by(a, "a peer, after " + when + ",", days);
        seen_by(b, "another peer, after " + when + ",", days);
        seen_by(s.user(), "the user, after " + when + ",", days);
    };
    seen_by_all("the user changed them", 3645);
    s.accepted(put_settings(a, {{"user_id", s.account().id}, {"retention_days", 3644}}), "a PUT of a peer");
    seen_by_all("a peer changed them", 3644);
    mine.say({{"retention_days", 3643}});
    seen_by_all("the user changed them again", 3643);
    s.accepted(put_settings(b, {{"user_id", s.account().id}, {"retention_days", 3642}}), "a PUT of another peer");
    seen_by_all("another peer changed them", 3642);
}

void settings_survive(scenario& s) {
    own_settings mine{s};
    mine.say({{"sync_telemetry", false}, {"retention_days", 3641}});
    s.restart();
    mine.is("sync_telemetry", false, "after a restart");
    mine.is("retention_days", 3641, "after a restart");
    s.evidence("settings after a restart");
}

check const checks[] = {
    {.id = "prv/defaults", .title = "who never said anything has the default settings", .clauses = {"BSP-PRV-001", "BSP-PRV-002"}, .impact = "people share or keep more than they were told",
     .likely_cause = "other defaults, or Android left out", .run = defaults_hold},
    {.id = "prv/settings-kept", .title = "settings are as they were put", .clauses = {"BSP-PRV-004", "BSP-PRV-001", "BSP-PRV-003"}, .impact = "what a person said is forgotten",
     .likely_cause = "a member is answered, but not stored", .run = settings_are_kept, .needs = need::own_user},
    {.id = "prv/partial-put", .title = "a PUT changes what it names and nothing else", .clauses = {"BSP-PRV-005"}, .impact = "a pause ends because something else was changed",
     .likely_cause = "members that are left out take their defaults", .run = partial_put, .needs = need::own_user},
    {.id = "prv/settings-refused", .title = "settings of another type or range are refused, and nothing changes", .clauses = {"BSP-PRV-006", "BSP-PRV-007"}, .impact = "data is deleted at once or kept for ever, by a slip of a program",
     .likely_cause = "values are coerced, or members are stored one by one", .run = wrong_settings, .needs = need::own_user},
    {.id = "prv/unknown-members", .title = "unknown members of settings do no harm", .clauses = {"BSP-PRV-008"}, .impact = "a newer app cannot change settings",
     .likely_cause = "a closed schema", .run = unknown_members, .needs = need::own_user},
    {.id = "prv/unknown-members-kept", .title = "unknown members of settings are kept", .clauses = {"BSP-PRV-009"}, .impact = "a newer app's settings vanish",
     .likely_cause = "a model that drops what it does not know", .run = unknown_members_stay, .needs = need::own_user, .strength = obligation::should},
    {.id = "prv/settings-of-another", .title = "nobody changes the settings of another user", .clauses = {"BSP-PRV-010", "BSP-PRV-012"}, .impact = "one user pauses or exposes another",
     .likely_cause = "user_id is taken from the body, or settings are global", .run = settings_of_another, .needs = need::alone | need::second_user},
    {.id = "prv/settings-of-user", .title = "user and peers read and change the same settings", .clauses = {"BSP-PRV-004", "BSP-PRV-001"}, .impact = "what a person switched off on one device stays on",
     .likely_cause = "settings are kept, or cached, by caller or by device", .run = settings_are_the_users, .needs = need::own_user},
    {.id = "prv/settings-credential", .title = "settings want the user's credential", .clauses = {"BSP-PRV-011"}, .impact = "anybody reads and changes a person's settings",
     .likely_cause = "the endpoint has no authentication", .run = settings_need_a_credential, .needs = need::own_user},
    {.id = "prv/settings-survive", .title = "settings survive a restart", .clauses = {"BSP-PRV-013"}, .impact = "a restart turns sync on again",
     .likely_cause = "settings are held in memory", .run = settings_survive, .needs = need::alone | need::restart_hook},
    {.id = "prv/puts-together", .title = "of settings that are put at once none is lost", .clauses = {"BSP-PRV-005", "BSP-PRV-004"}, .impact = "two devices change one setting each, and one of them is undone", .likely_cause = "settings are read, changed and written back, with somebody else in between",
     .run = settings_put_at_once, .needs = need::own_user},
    {.id = "prv/setting-names", .title = "members whose names are like those of settings are no settings, and a setting takes its own type only", .clauses = {"BSP-PRV-005", "BSP-PRV-006", "BSP-GEN-032"}, .impact = "data is thrown away after a day that nobody chose",
     .likely_cause = "names matched without case, and a language in which true is 1", .run = names_of_settings, .needs = need::own_user},
    {.id = "prv/erase-much", .title = "an erasure is of everything, however much there is", .clauses = {"BSP-PRV-082", "BSP-PRV-088"}, .impact = "what a person erased is still there", .likely_cause = "one batch is deleted, and a cache is left", .run = much_is_erased, .needs = need::own_user},
    {.id = "prv/erase-many-events", .title = "an erasure is of all events, however many there are", .clauses = {"BSP-PRV-082"}, .impact = "a person is still known by their events", .likely_cause = "one batch is deleted", .run = many_events_are_erased, .needs = need::own_user | need::sockets},
};

}  // namespace

group privacy_settings_group() { return {"privacy_settings", profile::prv, checks}; }

}  // namespace bsp::conformance
