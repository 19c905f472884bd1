#include "habits.hpp"

#include "../surroundings.hpp"
#include "telemetry.hpp"

#include <future>
#include <map>
#include <set>

namespace bsp::conformance {

namespace {

void acked_is_readable(scenario& s) {
    telemetry_ground g{s};
    for (int i = 0; i < 10; ++i) {
        auto const e = g.next();
        acked(s, g.l.tell(e), "an event");
        s.expect(count_of(g.stored(), id_of(e)) == 1, "an event that was acknowledged is in the list at once", "it is not");
    }
}

void pipelining(scenario& s) {
    telemetry_ground g{s};
    std::vector<std::string> texts;
    std::set<std::string> sent;
    for (int i = 0; i < 100; ++i) {
        auto const e = g.next();
        sent.insert(id_of(e));
        texts.push_back(json::serialize(e));
    }
    g.l.send_all(texts, "100 events at once");
    std::map<std::string, int> acks;
    for (auto const& answer : g.l.answers(100)) {
        s.expect(text_at(answer, "/status") == "acked", "each of 100 events sent at once is acknowledged", show(answer));
        ++acks[id_of(answer)];
    }
    for (auto const& id : sent) s.expect(acks[id] == 1, "each of 100 events sent at once is acknowledged once, by its own event_id", id + ": " + std::to_string(acks[id]) + " times");
    s.expect(acks.size() == 100, "no other event is acknowledged", std::to_string(acks.size()) + " event_ids");
    auto const more = g.l.answers(1, milliseconds{300});
    s.expect(more.empty(), "no event is answered twice", more.empty() ? "" : show(more.front()));
    auto const stored = g.stored();
    for (auto const& id : sent) s.expect(count_of(stored, id) == 1, "each of them is stored once", id + ": " + std::to_string(count_of(stored, id)) + " times");
    s.evidence("100 events at once");
}

void mixed_pipelining(scenario& s) {
    telemetry_ground g{s};
    std::vector<std::string> texts;
    std::map<std::string, std::string> due;
    for (int i = 0; i < 30; ++i) {
        auto const e = i % 3 == 1 ? g.next(drop("metadata")) : g.next();
        due[id_of(e)] = i % 3 == 1 ? "rejected" : "acked";
        texts.push_back(json::serialize(e));
    }
    g.l.send_all(texts, "30 events at once, a third of them without metadata");
    std::map<std::string, std::string> got;
    for (auto const& answer : g.l.answers(30)) got[id_of(answer)] = text_at(answer, "/status");
    for (auto const& [id, status] : due) s.expect(got[id] == status, "of valid and invalid events sent at once, " + id + " is " + status, got[id].empty() ? "no answer" : got[id]);
    g.goes_on("rejections between acknowledgements");
}

void duplicates(scenario& s) {
    telemetry_ground g{s};
    auto const first = g.next(both(set("cost_usd", 0.25), set("metadata", json::object{{"copy", "first"}})));
    auto second = first;
    second["cost_usd"] = 0.75;
    second["metadata"] = json::object{{"copy", "second"}};
    acked(s, g.l.tell(first), "an event");
    acked(s, g.l.tell(first), "the same event again");
    acked(s, g.l.tell(second), "an event with its event_id and other content");
    g.l.close();
    line again{s, g.a};
    opens(s, again, "the peer a second time");
    acked(s, again.tell(second), "the same event_id on another connection");
    auto const b = s.register_peer();
    line of_b{s, b};
    opens(s, of_b, "another peer of the user");
    acked(s, of_b.tell(second), "the same event_id from another peer of the user");
    s.control(g.a.unpair(), "the unpairing of the peer that sent it first");
    acked(s, of_b.tell(second), "the same event_id when the peer that sent it first is unpaired");

    auto const stored = g.stored();
    s.expect(count_of(stored, id_of(first)) == 1, "the event is stored once", std::to_string(count_of(stored, id_of(first))) + " times");
    double sum = 0;
    for (auto const& e : stored)
        if (id_of(e) == id_of(first) && e.if_contains("cost_usd") && e.at("cost_usd").is_number()) sum += e.at("cost_usd").to_number<double>();
    s.expect(sum == 0.25, "it counts with the cost that was stored first, 0.25", std::to_string(sum));
    has_value(s, *find_event(stored, id_of(first)), "metadata", first.at("metadata"));
}

void duplicates_elsewhere(scenario& s) {
    telemetry_ground g{s};
    auto const other = s.register_peer_of(s.other_account());
    line of_other{s, other};
    opens(s, of_other, "a peer of the other user");
    auto const mine = g.next(set("metadata", json::object{{"of", "the first user"}}));
    auto theirs = mine;
    theirs["metadata"] = json::object{{"of", "the second user"}};
    acked(s, g.l.tell(mine), "an event");
    acked(s, of_other.tell(theirs), "an event of another user with the same event_id");
    for (auto const& [who, e] : {std::pair<caller, json::object const&>{s.user(), mine}, {s.other_user(), theirs}}) {
        auto const list = events_from(s, who, g.source);
        s.expect(count_of(list, id_of(e)) == 1, "each of the two users has an event of that id", std::to_string(count_of(list, id_of(e))));
        has_value(s, *find_event(list, id_of(e)), "metadata", e.at("metadata"));
    }
}

void invalid_duplicates(scenario& s) {
    telemetry_ground g{s};
    auto const e = g.next();
    is_acked(s, g.l.tell(e), "an event");
    auto broken = e;
    broken["latency_ms"] = -1;
    auto const t = g.l.tell(broken);
    s.expect(t.rejected(), "an invalid event is rejected, whatever is stored under its event_id", t.describe());
    g.goes_on("the rejection");
}

void ids_are_exact(scenario& s) {
    telemetry_ground g{s};
    auto const stem = s.fresh("Evt");
    auto other_case = stem;
    other_case[0] = 'e';
    std::vector<std::string> const ids{stem, other_case, stem + ".", stem + std::string(128 - stem.size(), 'x'), stem + std::string(127 - stem.size(), 'x') + "y"};
    for (auto const& id : ids) acked(s, g.l.tell(g.next(set("event_id", id))), "an event of the id " + id);
    auto const stored = g.stored();
    for (auto const& id : ids) s.expect(count_of(stored, id) == 1, "the event of the id " + id + " is stored, beside others of similar ids", std::to_string(count_of(stored, id)) + " times");
}

void concurrent_duplicates(scenario& s) {
    telemetry_ground g{s};
    std::vector<line> lines;
    for (int i = 0; i < 4; ++i) {
        lines.emplace_back(s, g.a);
        opens(s, lines.back(), "a further connection");
    }
    std::vector<std::string> ids;
    for (int round = 0; round < 20; ++round) {
        auto const e = g.next();
        ids.push_back(id_of(e));
        for (auto& l : lines) l.send(json::value(e));
    }
    for (auto const& id : ids)
        for (auto& l : lines) {
            auto const t = l.answer_to(id);
            s.expect(t.acked(), "an event that four connections send at once is acknowledged on each", t.describe());
        }
    auto const stored = g.stored();
    for (auto const& id : ids) s.expect(count_of(stored, id) == 1, "an event that four connections send at once is stored once", std::to_string(count_of(stored, id)) + " times");
    s.evidence("events on four connections");
}

void acks_are_prompt(scenario& s) {
    telemetry_ground g{s};
    std::vector<milliseconds> times;
    for (int i = 0; i < 21; ++i) {
        auto const begin = std::chrono::steady_clock::now();
        is_acked(s, g.l.tell(g.next()), "an event");
        times.push_back(std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin));
    }
    std::nth_element(times.begin(), times.begin() + 10, times.end());
    // The clause counts from the arrival: what the line takes both ways is not the target's.
    auto line = times[10];
    for (int i = 0; i < 5; ++i) line = std::min(line, duration_cast<milliseconds>(s.nobody().get("/health").took()));
    s.expect_in_time(times[10] <= milliseconds{100} + line, "the median of 21 acknowledgements comes within 100 ms and the " + std::to_string(line.count()) + " ms of a round trip", std::to_string(times[10].count()) + " ms");
}

/// Events that were acknowledged just before `interrupt` are there after it.
void survive(scenario& s, void (scenario::*interrupt)()) {
    telemetry_ground g{s};
    std::vector<std::string> texts;
    for (int i = 0; i < 40; ++i) texts.push_back(json::serialize(g.next()));
    g.l.send_all(texts, "40 events");
    auto const answers = g.l.answers(40);
    s.control(answers.size() == 40 && std::all_of(answers.begin(), answers.end(), [](auto const& a) { return text_at(a, "/status") == "acked"; }), "40 events are acknowledged");
    auto const begun = s.since_begun();
    (s.*interrupt)();
    auto const stored = g.stored();
    auto const since = all_events(s, s.user(), "source_backend=" + percent_encode_segment(g.source) + "&since=" + percent_encode_segment(begun));
    s.expect(since.size() == stored.size(), "every event of before is in a list since the beginning of this check", std::to_string(since.size()) + " of " + std::to_string(stored.size()));
    for (auto const& a : answers) s.expect(count_of(stored, id_of(a)) == 1, "every event that was acknowledged is still there", id_of(a) + " is not");
    line again{s, g.a};
    opens(s, again, "the peer afterwards");
    acked(s, again.tell(g.next()), "an event afterwards");
    auto repeated = g.next(set("event_id", json::value(id_of(answers.front()))));
    repeated["metadata"] = json::object{{"copy", "second"}};
    acked(s, again.tell(repeated), "an event of before, sent again afterwards,");
    auto const all = g.stored();
    s.expect(count_of(all, id_of(answers.front())) == 1, "it is stored once still", std::to_string(count_of(all, id_of(answers.front()))) + " times");
    auto const* kept = find_event(all, id_of(answers.front()));
    s.expect(kept && json::serialize(*kept).find("second") == std::string::npos, "as it was stored first", kept ? show(*kept) : "none");

    // The pages of a list go over the end of one process and the beginning of the next.
    for (int i = 0; i < 5; ++i) is_acked(s, again.tell(g.next()), "an event afterwards");
    auto const expected = g.stored().size();
    std::vector<std::string> listed;
    std::string cursor;
    for (int page = 0; page < 20; ++page) {
        auto const x = s.user().get("/telemetry/events?limit=7&source_backend=" + percent_encode_segment(g.source) + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
        s.control(x, "a page of events");
        for (auto const& e : objects_at(x.body(), "/events")) listed.push_back(id_of(e));
        cursor = x.text("/cursor");
        if (!x.at("/has_more") || *x.at("/has_more") != json::value(true)) break;
    }
    std::set<std::string> const distinct(listed.begin(), listed.end());
    s.expect(listed.size() == expected && distinct.size() == expected, "the pages of events of before and after have each of " + std::to_string(expected) + " once", std::to_string(listed.size()) + " entries, " + std::to_string(distinct.size()) + " of them different");
}

void events_survive_restart(scenario& s) { survive(s, &scenario::restart); }
void events_survive_kill(scenario& s) { survive(s, &scenario::kill_and_restart); }

void stop_is_said(scenario& s) {
    telemetry_ground g{s};
    s.restart();
    auto const code = g.l.wait_for_close(seconds{5});
    s.expect(code == 1012 || code == 1001, "a server that is told to stop closes with 1012", code == 0 ? "the connection stays open" : "closed with " + std::to_string(code));
    line again{s, g.a};
    opens(s, again, "the peer afterwards");
}

void thousand_a_minute(scenario& s) {
    telemetry_ground g{s};
    std::vector<std::string> texts;
    for (int i = 0; i < 999; ++i) texts.push_back(json::serialize(g.next()));
    g.l.send_all(texts, "999 events at once");
    auto const answers = g.l.answers(999, seconds{6});
    for (auto const& a : answers) s.expect(text_at(a, "/status") == "acked", "each of 1,000 events within a minute is acknowledged", show(a));
    s.expect(answers.size() == 999, "each of 1,000 events within a minute is acknowledged", std::to_string(answers.size() + 1) + " were answered" + (g.l.close_code() ? ", then closed with " + std::to_string(g.l.close_code()) : ""));
    s.evidence("1,000 events");
}

/// A message is a message: one that is rejected, or that tells what is known, costs no more than others.
void thousand_of_all_kinds(scenario& s) {
    telemetry_ground g{s};
    std::string const known = json::serialize(g.next());
    std::vector<std::string> texts;
    for (int i = 0; i < 999; ++i) texts.push_back(i % 5 == 0 ? json::serialize(g.next(drop("metadata"))) : i % 5 == 1 ? known : json::serialize(g.next()));
    g.l.send_all(texts, "999 texts at once, a fifth of them invalid, and a fifth one event");
    auto const answers = g.l.answers(999, seconds{6});
    for (auto const& a : answers) s.expect(text_at(a, "/status") != "rate_limited", "none of 1,000 messages within a minute is excess, whatever they are", show(a));
    s.expect(answers.size() == 999, "each of 1,000 messages within a minute is answered", std::to_string(answers.size() + 1) + " were answered" + (g.l.close_code() ? ", then closed with " + std::to_string(g.l.close_code()) : ""));
    s.evidence("1,000 messages");
}

void excess_is_told(scenario& s) {
    telemetry_ground g{s};
    auto const r = s.settled({.signing_key = s.fresh_key()});
    auto const flooding = s.register_peer(r);  // which has no connection but those of the flood
    auto const begin = std::chrono::steady_clock::now();
    std::set<std::string> asked, kept, limited;
    int sent = 0;
    bool overloaded = false;
    for (int connection = 0; connection < 5 && !overloaded; ++connection) {
        line l{s, flooding};
        if (!l.open()) break;
        std::vector<std::string> texts;
        for (int i = 0; i < 440; ++i) {
            auto const e = g.next();
            asked.insert(id_of(e));
            texts.push_back(json::serialize(e));
        }
        l.send_all(texts, "440 events at once");
        sent += 440;
        auto const answers = l.answers(440, seconds{6});
        for (auto const& a : answers) {
            auto const status = text_at(a, "/status");
            if (status == "acked") kept.insert(id_of(a));
            if (status != "rate_limited") continue;
            s.expect(asked.contains(id_of(a)), "rate_limited names the event", show(a));
            limited.insert(id_of(a));
            s.exactly(integer_at(json::value(a), "/retry_after_ms") > 0, "rate_limited has retry_after_ms, a positive integer", show(a));
        }
        overloaded = l.close_code() == 1013;
        // The next one is opened when the target knows of none.
        if (l.close_code() == 0) l.send_frame({.opcode = 8, .payload = {"\x03\xE8", 2}}, "the farewell");
        (void)l.wait_for_close(seconds{2});
        s.expect(overloaded || answers.size() == 440, "every event beyond the budget is answered, or the connection is closed with 1013",
                 std::to_string(answers.size()) + " of 440 were answered" + (l.close_code() ? ", then closed with " + std::to_string(l.close_code()) : ""));
    }
    if (sent < 2'200 && !overloaded) s.inconclusive("the peer could not open five connections one after the other");
    if (std::chrono::steady_clock::now() - begin > seconds{55}) s.inconclusive("2,200 events took longer than a minute");
    s.expect(overloaded || !limited.empty(), "of 2,200 events within a minute some are answered with rate_limited, or the connection is closed with 1013", "all were acknowledged");
    s.expect(kept.size() >= 950, "the budget holds for the first 1,000 events, on all connections together", std::to_string(kept.size()) + " were acknowledged");

    std::set<std::string> stored;
    for (auto const& e : g.stored()) stored.insert(id_of(e));
    for (auto const& id : kept) s.expect(stored.contains(id), "every acknowledged event is stored", id + " is not");
    for (auto const& id : limited) s.expect(!stored.contains(id), "no event that was answered with rate_limited is stored", id + " is");

    auto const b = s.register_peer();
    line of_b{s, b};
    opens(s, of_b, "another peer of the user");
    acked(s, of_b.tell(g.next()), "an event of another peer, while the first one is beyond its budget,");
    // A peer is a registration: neither its backend nor its key is another one's.
    auto same_key = s.settled({.signing_key = flooding.signing_key()});
    line with_same_key{s, s.register_peer(same_key)};
    opens(s, with_same_key, "another backend with the key of the first peer");
    acked(s, with_same_key.tell(g.next()), "an event of another backend with the same key, while the first one is beyond its budget,");
    if (s.shared().options.users.size() > 1) {
        same_key.backend_id = flooding.backend_id();
        same_key.user = s.other_account();
        line of_other_user{s, s.register_peer(same_key)};
        opens(s, of_other_user, "the same backend as another user's peer");
        acked(s, of_other_user.tell(g.next()), "an event of the same backend as another user's peer, while the first one is beyond its budget,");
    }
    if (limited.empty()) return;
    auto const excess = g.next(set("event_id", *limited.begin()));
    acked(s, of_b.tell(excess), "an event that was answered with rate_limited, when another peer of the user sends it,");
    s.expect(count_of(g.stored(), *limited.begin()) == 1, "what was answered with rate_limited is stored when it is sent again and acknowledged", "it is not");
}

void excess_is_answered_first(scenario& s) {
    telemetry_ground g{s};
    int limited = 0;
    for (int chunk = 0; chunk < 11 && limited == 0; ++chunk) {
        std::vector<std::string> texts;
        for (int i = 0; i < 200; ++i) texts.push_back(json::serialize(g.next()));
        g.l.send_all(texts, "200 events at once");
        for (auto const& a : g.l.answers(200, seconds{6})) limited += text_at(a, "/status") == "rate_limited";
        if (g.l.close_code() != 0) break;
    }
    s.expect(limited > 0, "events beyond the budget are answered with rate_limited before the connection is closed for them", g.l.close_code() ? "closed with " + std::to_string(g.l.close_code()) : "none is");
}

/// What counts is what a peer sends, whether or not it is news.
void excess_of_one_event(scenario& s) {
    telemetry_ground g{s};
    auto const again = json::serialize(g.next());
    auto const begin = std::chrono::steady_clock::now();
    int limited = 0;
    for (int chunk = 0; chunk < 11 && limited == 0; ++chunk) {
        g.l.send_all(std::vector<std::string>(200, again), "one event 200 times");
        for (auto const& a : g.l.answers(200, seconds{6})) limited += text_at(a, "/status") == "rate_limited";
        if (g.l.close_code() != 0) break;
    }
    if (std::chrono::steady_clock::now() - begin > seconds{55}) s.inconclusive("2,200 events took longer than a minute");
    s.expect(limited > 0 || g.l.close_code() == 1013, "of one event, sent 2,200 times within a minute, some are answered with rate_limited, or the connection is closed with 1013",
             g.l.close_code() ? "closed with " + std::to_string(g.l.close_code()) : "all were acknowledged");
    s.evidence("2,200 events");
}

/// Acknowledgements of every length, those among them at which the head of a frame grows.
void acknowledgements_of_every_length(scenario& s) {
    telemetry_ground g{s};
    for (auto id = s.fresh("e"); id.size() <= 128; id += 'x') acked(s, g.l.tell(g.next(set("event_id", id))), "an event with an event_id of " + std::to_string(id.size()) + " characters");
    g.goes_on("events with event_ids of every length");
}

constexpr unsigned on_sockets = need::sockets;

check const checks[] = {
    {.id = "tel/acked-is-readable", .title = "what was acknowledged can be read at once", .clauses = {"BSP-TEL-052", "BSP-TEL-040"}, .impact = "acknowledged events are lost", .likely_cause = "the acknowledgement comes before the commit", .run = acked_is_readable, .needs = on_sockets},
    {.id = "tel/pipelining", .title = "100 events sent at once are each acknowledged once, by their own ids", .clauses = {"BSP-TEL-047", "BSP-TEL-048", "BSP-TEL-040"}, .impact = "clients forget events that were not stored, and keep those that were",
     .likely_cause = "the acknowledgement has the id of the latest event", .run = pipelining, .needs = on_sockets},
    {.id = "tel/every-length", .title = "events are acknowledged whatever the length of their ids", .clauses = {"BSP-TEL-040"}, .impact = "one event in a hundred is sent again for ever, and what follows on its connection is misread",
     .likely_cause = "a frame of exactly 126 bytes is sent with the short form of its length", .run = acknowledgements_of_every_length, .needs = on_sockets},
    {.id = "tel/excess-repeated", .title = "one event that is sent 2,200 times within a minute is too much, too", .clauses = {"BSP-TEL-121"}, .impact = "a client that repeats one event without end uses up the server",
     .likely_cause = "what is known already is acknowledged before it is counted", .run = excess_of_one_event, .needs = on_sockets},
    {.id = "tel/mixed-pipelining", .title = "valid and invalid events sent at once are each answered for what they are", .clauses = {"BSP-TEL-043", "BSP-TEL-046", "BSP-TEL-047"}, .impact = "one broken event takes others with it",
     .likely_cause = "events are stored in batches that fail together", .run = mixed_pipelining, .needs = on_sockets},
    {.id = "tel/duplicates", .title = "a repeated event is acknowledged everywhere and stored once, as it came first", .clauses = {"BSP-TEL-053", "BSP-TEL-054", "BSP-TEL-094"}, .impact = "costs are counted twice after every reconnect",
     .likely_cause = "no unique key, or one per connection or peer", .run = duplicates, .needs = on_sockets},
    {.id = "tel/duplicates-changed", .title = "an event that comes again with another day, session or source is the one that came first, once", .clauses = {"BSP-TEL-053", "BSP-TEL-054", "BSP-TEL-094"},
     .impact = "events that a client stamps anew when it sends them again are counted twice", .likely_cause = "a unique key that has more than user and event_id: a table that is partitioned by day", .run = repeated_events_are_the_first, .needs = on_sockets},
    {.id = "tel/duplicates-elsewhere", .title = "equal event ids of different users are different events", .clauses = {"BSP-TEL-055", "BSP-TEL-092"}, .impact = "one user can suppress another's events", .likely_cause = "a unique key without the user", .run = duplicates_elsewhere,
     .needs = on_sockets | need::second_user},
    {.id = "tel/invalid-duplicate", .title = "an invalid event is rejected though its id is known", .clauses = {"BSP-TEL-042"}, .impact = "a client believes that it sent what is broken", .likely_cause = "the id is looked up before the event is validated", .run = invalid_duplicates,
     .needs = on_sockets},
    {.id = "tel/ids-exact", .title = "event ids that differ in case, or at the last of 128 characters, are different", .clauses = {"BSP-GEN-060", "BSP-TEL-053", "BSP-TEL-040"}, .impact = "events are taken for repetitions, and lost",
     .likely_cause = "a column that compares without case, or cuts at 64 characters", .run = ids_are_exact, .needs = on_sockets},
    {.id = "tel/concurrent-duplicates", .title = "an event that comes on several connections at once is stored once", .clauses = {"BSP-TEL-053", "BSP-TEL-054"}, .impact = "costs are counted twice", .likely_cause = "lookup and insertion are two steps", .run = concurrent_duplicates, .needs = on_sockets},
    {.id = "tel/prompt", .title = "acknowledgements come within 100 ms", .clauses = {"BSP-TEL-056"}, .impact = "telemetry piles up on phones", .likely_cause = "Nagle's algorithm, or a batch that waits", .run = acks_are_prompt, .needs = on_sockets | need::alone, .strength = obligation::should},
    {.id = "tel/restart", .title = "events survive a restart", .clauses = {"BSP-TEL-051"}, .impact = "costs of a month are gone", .likely_cause = "events are held in memory", .run = events_survive_restart, .needs = on_sockets | need::restart_hook | need::alone},
    {.id = "tel/kill", .title = "acknowledged events survive a kill", .clauses = {"BSP-TEL-050", "BSP-TEL-051"}, .impact = "acknowledged events are lost", .likely_cause = "events are written in batches, and acknowledged before", .run = events_survive_kill,
     .needs = on_sockets | need::kill_hook | need::alone},
    {.id = "tel/stop", .title = "a server that stops says so", .clauses = {"BSP-TEL-076"}, .impact = "clients take a restart for an outage", .likely_cause = "sockets are dropped with the process", .run = stop_is_said, .needs = on_sockets | need::restart_hook | need::alone,
     .strength = obligation::should},
    {.id = "tel/thousand", .title = "1,000 events within a minute are all acknowledged", .clauses = {"BSP-TEL-120", "BSP-TEL-040"}, .impact = "busy clients lose events", .likely_cause = "a budget that does not allow bursts", .run = thousand_a_minute, .needs = on_sockets},
    {.id = "tel/thousand-of-all-kinds", .title = "of 1,000 messages within a minute none is excess, rejected and repeated ones among them", .clauses = {"BSP-TEL-120"}, .impact = "a client with one bad event, or after a bad connection, is locked out for a minute",
     .likely_cause = "what looks like abuse is charged more", .run = thousand_of_all_kinds, .needs = on_sockets},
    {.id = "tel/excess", .title = "of 2,200 events within a minute some are refused openly, none of them is stored, and nobody else pays", .clauses = {"BSP-TEL-121", "BSP-TEL-122", "BSP-TEL-123", "BSP-TEL-125", "BSP-TEL-126"},
     .impact = "one client can fill the store, or loses events without knowing", .likely_cause = "rate limiting of the framework that does not cover sockets", .run = excess_is_told, .needs = on_sockets | need::all_users},
    {.id = "tel/excess-answered", .title = "excess is answered before the connection is closed for it", .clauses = {"BSP-TEL-124"}, .impact = "clients lose their connection for one event too many", .likely_cause = "the first excess event closes", .run = excess_is_answered_first,
     .needs = on_sockets, .strength = obligation::should},
};

}  // namespace

group telemetry_keeping_group() { return {"telemetry_keeping", profile::tel, checks}; }

}  // namespace bsp::conformance
