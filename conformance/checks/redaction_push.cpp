#include "as_client.hpp"
#include "redaction.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <chrono>

// Chapter 17: what a local backend pushes to a hosted one, which the suite plays.

namespace bsp::conformance {
namespace {

using std::chrono::seconds;

void signed_over_what_is_sent(scenario& s) {
    pushed_onlooker o{s};
    auto const c = s.fresh("c");
    s.control(o.user.write(c, "mail " + any_email(s), [&](json::object& body) { body["title"] = any_phone(s); }), "a write of the user");
    s.control(o.in.delivered(seconds{40}, c), "a push of it");
    auto const push = o.in.pushes_of(c).front();
    auto const key = rsa_public_key::from_pem(s.identity().public_key_pem);
    auto const signature = from_base64(text_at(push.body, "/signature"));
    auto const text = push.body.is_object() ? json::canonicalize(push.body.get_object(), {"signature"}) : result<std::string>{std::string{}};
    s.expect(key && signature && text && key->verify_ps256(*text, *signature), "a signature over the payload as it was sent", show(push.body));
    s.evidence("a signed push");
}

/// The copy comes back in a pull, alone and beside something new.
void pulled_copy_changes_nothing(scenario& s) {
    pushed_onlooker o{s};
    auto const c = s.fresh("c");
    std::string const content = "mail " + any_email(s);
    s.control(o.user.write(c, content, [](json::object& body) { body["id"] = "m1"; }), "a write of the user");
    auto const seen = o.sees(c, "m1");
    s.control(seen.message("m1") != nullptr, "the message is pushed");
    auto entry = seen.entry.as_object();
    entry["messages"] = json::array{*seen.message("m1"), s.message("m2", "new here", integer_at(*seen.message("m1"), "/version"))};
    o.in.publish(entry);
    // What is new tells when the page was taken in.
    bool const arrived = o.in.until(seconds{40}, [&] { return find_by_id(o.user.read(c).body(), "/messages", "m2") != nullptr || (pass(std::chrono::milliseconds{200}), false); });
    s.control(arrived, "the target takes in the page that brings the copy back");
    auto const x = o.user.read(c);
    s.control(x, "the user's reading of it");
    s.expect(text_of(find_by_id(x.body(), "/messages", "m1")) == show(json::value(content)), "the user is shown what was written: " + content, text_of(find_by_id(x.body(), "/messages", "m1")));
    s.evidence("a message whose copy came back");
}

/// A message written at the hosted backend brings the conversation's own members along, redacted.
void pulled_title_stays_the_own(scenario& s) {
    pushed_onlooker o{s};
    auto const c = s.fresh("c");
    std::string const title = "with " + any_email(s);
    s.control(o.user.write(c, "plain", [&](json::object& body) { body["id"] = "m1", body["title"] = title; }), "a write of the user");
    auto const seen = o.sees(c, "m1");
    s.control(seen.present && text_at(seen.entry, "/title") == "with [REDACTED_EMAIL]", "the title is pushed, redacted");
    auto entry = seen.entry.as_object();
    auto const version = integer_at(seen.entry, "/version") + 1;
    entry["version"] = version, entry["last_modified"] = s.at(), entry["redacted"] = true;
    entry["messages"] = json::array{s.message("m2", "new here", version)};
    o.in.publish(entry);
    bool const arrived = o.in.until(seconds{40}, [&] { return find_by_id(o.user.read(c).body(), "/messages", "m2") != nullptr || (pass(std::chrono::milliseconds{200}), false); });
    s.control(arrived, "the target takes in the page with the new message");
    auto const x = o.user.read(c);
    s.expect(x.text("/title") == title, "the user is shown the title that was written here: " + title, x.text("/title"));
    s.evidence("a conversation that was written to at the other side");
}

/// A push that failed while redaction was off is repeated after it was switched on.
void repetition_follows_the_setting(scenario& s) {
    pushed_onlooker o{s};
    set_redaction(s, o.user, o.account, false);
    auto const c = s.fresh("c");
    o.in.on_push([c](arrival const& a) { return a.conversation(c) ? stand_in::problem(503, "temporarily-unavailable") : stand_in::acknowledge(a); });
    auto const secret = any_email(s);
    s.control(o.user.write(c, "mail " + secret), "a write of the user");
    bool const tried = o.in.until(seconds{40}, [&] { return !o.in.pushes_of(c).empty(); });
    auto const before = std::chrono::steady_clock::now();
    set_redaction(s, o.user, o.account, true);
    s.control(tried, "a push that fails");
    pass(seconds{2});
    auto const since = std::chrono::steady_clock::now();
    o.in.on_push({});
    s.control(o.in.delivered_in_the_end(c), "the push is repeated");
    for (auto const& push : o.in.pushes_of(c))
        if (push.at > since) s.expect(push.request.body.find(secret) == std::string::npos, "a repetition that begins after redaction was switched on is redacted", "it has " + secret + ", " + seconds_text(between(before, push.at)) + " later");
    s.evidence("a repeated push");
}

/// Whatever a target tells of what it exchanges: names are told, too.
void what_is_told_is_redacted(scenario& s) {
    pushed_onlooker o{s};
    o.in.settle_telemetry();
    auto const mail = any_email(s), other = any_email(s), phone = any_phone(s);
    auto const c = s.fresh("c") + "." + mail;  // an identifier like any other
    auto const told = o.in.events().size();
    s.control(o.user.write(c, "call " + phone, [&](json::object& body) { body["title"] = "with " + other, body["id"] = s.fresh("m") + mail, body["x-note"] = phone; }), "a write of the user");
    s.control(o.in.delivered_in_the_end(c), "a push of it");
    o.in.publish(s.conversation(s.fresh("c") + "." + mail, 1, {s.message("m1", "call " + phone)}, [&](json::object& theirs) { theirs["title"] = other; }));
    bool const more = o.in.until(seconds{40}, [&] { return o.in.events().size() > told + 1 || (o.user.write(s.fresh("c"), "more"), pass(std::chrono::milliseconds{500}), false); });
    s.control(more, "events of what was exchanged");
    pass(seconds{2});
    auto const all = o.in.events();
    for (auto i = told; i < all.size(); ++i) {
        auto const* metadata = at(all[i].body, "/metadata");
        auto const text = metadata ? json::serialize(*metadata) : std::string{};
        for (auto const& one : {mail, other, phone}) s.expect(text.find(one) == std::string::npos, "nothing personal in the metadata of a telemetry event to a hosted peer", one + " in " + text.substr(0, 200));
    }
    s.evidence(std::to_string(all.size() - told) + " events");
}

check const checks[] = {
    {.id = "red/told-metadata",
     .title = "the metadata of what a client tells a hosted peer is redacted",
     .clauses = {"BSP-RED-012"},
     .impact = "the address that is replaced in a conversation stands in the record of its exchange",
     .likely_cause = "only conversations pass the redactor",
     .run = what_is_told_is_redacted,
     .needs = as_client | need::alone},
    {.id = "red/push-labels-stay",
     .title = "names of members, role and source_backend are pushed as they are",
     .clauses = {"BSP-RED-015"},
     .impact = "what an application keeps under a name is not found under it any more",
     .likely_cause = "the redactor walks over all strings, names included",
     .run = labels_stay<pushed_onlooker>,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "red/push-corpus",
     .title = "of the published corpus nothing personal is in a push to a hosted peer",
     .clauses = {"BSP-RED-001", "BSP-RED-010", "BSP-RED-007"},
     .impact = "addresses and numbers that people were told to be safe are stored by somebody else",
     .likely_cause = "the redactor is not called on the way out, or its expressions are those of the source document alone",
     .run = corpus_leaves_nothing<pushed_onlooker>,
     .needs = as_client},
    {.id = "red/push-keeps-the-rest",
     .title = "ids, instants, versions and URLs in a text that is pushed are no personal data",
     .clauses = {"BSP-RED-002"},
     .impact = "a conversation about a timestamp or an id cannot be read any more on the other side",
     .likely_cause = "any ten digits are taken for a telephone number",
     .run = negative_corpus_stays<pushed_onlooker>,
     .needs = as_client},
    {.id = "red/push-published-results",
     .title = "the texts of the corpus are pushed as they are published",
     .clauses = {"BSP-RED-008"},
     .impact = "two backends of one user make different copies of one message, and they conflict",
     .likely_cause = "another grammar at the edges of a match",
     .run = results_are_the_published_ones<pushed_onlooker>,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "red/push-in-place",
     .title = "each match in a push is replaced by the word of its kind, and the text around it stays",
     .clauses = {"BSP-RED-004"},
     .impact = "what a message says is lost with what it names",
     .likely_cause = "only the first match is replaced, or the message as a whole",
     .run = matches_are_replaced_in_their_place<pushed_onlooker>,
     .needs = as_client},
    {.id = "red/push-order-of-kinds",
     .title = "mail addresses are looked for first in what is pushed",
     .clauses = {"BSP-RED-003"},
     .impact = "the domain, and so the employer, is left of an address whose name is a number",
     .likely_cause = "the kinds are applied in the order of their names, or of a hash table",
     .run = kinds_have_an_order<pushed_onlooker>,
     .needs = as_client},
    {.id = "red/push-every-string",
     .title = "contents, titles and all strings of unknown members are pushed redacted, whoever wrote them",
     .clauses = {"BSP-RED-011"},
     .impact = "the address that is replaced in a message stands in the title of its conversation",
     .likely_cause = "the redactor is applied to content only, to the first message, or to what the user said",
     .run = every_string_is_redacted<pushed_onlooker>,
     .needs = as_client},
    {.id = "red/push-names-stay",
     .title = "ids, timestamps and surfaces are pushed as they are",
     .clauses = {"BSP-RED-014"},
     .impact = "two messages become one, and the other side's copy never matches again",
     .likely_cause = "the redactor walks over all strings of the payload",
     .run = names_stay<pushed_onlooker>,
     .needs = as_client},
    {.id = "red/push-marked",
     .title = "an altered message in a push says so and keeps version and timestamp",
     .clauses = {"BSP-RED-013"},
     .impact = "the copy comes back as an equal or a newer version and takes the place of the original",
     .likely_cause = "redaction is treated as an edit, or nobody marks it",
     .run = copies_are_marked<pushed_onlooker>,
     .needs = as_client},
    {.id = "red/push-wholes-unmarked",
     .title = "what is pushed unaltered is not marked",
     .clauses = {"BSP-RED-020", "BSP-RED-021"},
     .impact = "whole messages lose against worse copies of themselves",
     .likely_cause = "everything that passes the redactor is marked",
     .run = wholes_are_not_marked<pushed_onlooker>,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "red/push-originals-stay",
     .title = "the user goes on seeing what was written, after it was pushed to a hosted peer",
     .clauses = {"BSP-RED-019"},
     .impact = "a person's own data is destroyed on their own machine",
     .likely_cause = "the stored object is redacted in place",
     .run = originals_stay<pushed_onlooker>,
     .needs = as_client},
    {.id = "red/push-signed",
     .title = "a push is signed after it was redacted",
     .clauses = {"BSP-RED-022"},
     .impact = "no right peer accepts a push in which anything was redacted",
     .likely_cause = "the signature is made first",
     .run = signed_over_what_is_sent,
     .needs = as_client},
    {.id = "red/push-switched-off",
     .title = "with redact_pii false a push has what was written",
     .clauses = {"BSP-RED-016"},
     .impact = "what a person decided about their own data is ignored",
     .likely_cause = "redaction is wired in without the setting",
     .run = switched_off_is_off<pushed_onlooker>,
     .needs = as_client | need::alone},
    {.id = "red/pulled-copy",
     .title = "a redacted copy that comes back in a pull does not displace the original",
     .clauses = {"BSP-RED-030"},
     .impact = "a person's own data is destroyed on their own machine",
     .likely_cause = "what the hosted side says is taken as it is",
     .run = pulled_copy_changes_nothing,
     .needs = as_client},
    {.id = "red/pulled-title",
     .title = "a title is not replaced by its own redaction because somebody wrote a message at the other side",
     .clauses = {"BSP-RED-032"},
     .impact = "titles lose what they name with the first answer from another device",
     .likely_cause = "the greater scalar write is taken as a whole, as between strangers",
     .run = pulled_title_stays_the_own,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "red/push-repeated",
     .title = "the repetition of a push follows the setting as it is then",
     .clauses = {"BSP-RED-025"},
     .impact = "what was prepared before the user said no goes out hours later",
     .likely_cause = "a payload in the queue is final",
     .run = repetition_follows_the_setting,
     .needs = as_client | need::alone,
     .strength = obligation::should},
};

}  // namespace

group redaction_push_group() { return {"redaction_push", profile::prv, checks}; }

}  // namespace bsp::conformance
