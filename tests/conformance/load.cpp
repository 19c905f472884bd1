#include "conformance/json.hpp"
#include "conformance/load/content.hpp"
#include "conformance/load/figures.hpp"
#include "conformance/load/histogram.hpp"
#include "conformance/load/ledger.hpp"
#include "conformance/load/mix.hpp"
#include "conformance/load/schedule.hpp"
#include "conformance/load/words.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

using namespace bsp::conformance;
using namespace bsp::conformance::load;
using namespace std::chrono_literals;
namespace json = bsp::json;

BOOST_AUTO_TEST_SUITE(suite_load)

// ---- histogram --------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(small_values_are_exact) {
    histogram h;
    for (std::uint64_t v = 1; v <= 100; ++v) h.record(v);
    BOOST_TEST(h.count() == 100u);
    BOOST_TEST(h.quantile(0.5) == 50u);
    BOOST_TEST(h.quantile(0.9) == 90u);
    BOOST_TEST(h.quantile(0.99) == 99u);
    BOOST_TEST(h.quantile(0.999) == 100u);
    BOOST_TEST(h.quantile(0) == 1u);
    BOOST_TEST(h.quantile(1) == 100u);
    BOOST_TEST(h.max() == 100u);
}

BOOST_AUTO_TEST_CASE(great_values_are_within_a_hundredth_and_never_too_small) {
    histogram h;
    for (std::uint64_t v = 1; v <= 100'000; ++v) h.record(v * 37);
    for (double const q : {0.1, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
        double const right = std::ceil(q * 100'000 - 1e-6) * 37, found = static_cast<double>(h.quantile(q));
        BOOST_TEST(found >= right);
        BOOST_TEST(found <= right * (1 + 1.0 / 128));
    }
    BOOST_TEST(h.quantile(1) == 3'700'000u);
}

BOOST_AUTO_TEST_CASE(every_value_is_in_a_bucket_that_holds_it) {
    for (std::uint64_t v : {0ull, 1ull, 127ull, 128ull, 255ull, 256ull, 257ull, 511ull, 512ull, 65'535ull, 65'536ull, 3'600'000'000ull, (1ull << 40) + 12'345}) {
        histogram h;
        h.record(v);
        h.record(~0ull >> 8);  // so that the maximum does not correct it
        auto const found = h.quantile(0.5);
        BOOST_TEST(found >= v);
        BOOST_TEST(static_cast<double>(found - v) <= static_cast<double>(v) / 128);
    }
}

BOOST_AUTO_TEST_CASE(merged_histograms_are_one_of_all_values) {
    histogram left, right, all;
    for (std::uint64_t v = 1; v < 5'000; v += 3) left.record(v * v), all.record(v * v);
    for (std::uint64_t v = 1; v < 900; ++v) right.record(v, 2), all.record(v, 2);
    histogram merged = right;  // the shorter one takes in the longer one
    merged.merge(left);
    left.merge(right);
    for (double const q : {0.0, 0.01, 0.5, 0.77, 0.99, 1.0}) {
        BOOST_TEST(merged.quantile(q) == all.quantile(q));
        BOOST_TEST(left.quantile(q) == all.quantile(q));
    }
    BOOST_TEST(merged.count() == all.count());
    BOOST_TEST(histogram{}.quantile(0.99) == 0u);
}

// ---- mix --------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(shares_of_a_mix_make_up_one) {
    auto const m = parse_mix("push=3,read=1").value();
    BOOST_TEST(m.of(operation::push) == 0.75);
    BOOST_TEST(m.of(operation::read) == 0.25);
    BOOST_TEST(m.of(operation::pull) == 0.0);
    BOOST_TEST(in_words(m) == "push 75 %, read 25 %");
    BOOST_TEST(parse_mix(default_mix).value().of(operation::push) == 0.5);
    BOOST_TEST(parse_mix("push=1,telemetry=1").value().without(operation::telemetry).of(operation::push) == 1.0);
}

BOOST_AUTO_TEST_CASE(what_is_no_mix_is_refused_in_words) {
    struct row { char const *text, *word; };
    for (auto const& [text, word] : {row{"", "names no share"}, {"push", "names no share"}, {"pul=1", "\"pul\""}, {"push=1,push=2", "twice"}, {"push=x", "no number"}, {"push=", "no number"}, {"push=-1", "no number"},
                                     {"push=1 ", "no number"}, {"push=nan", "no number"}, {"push=inf", "no number"}, {"push=1e9", "no number"}, {"push=0,pull=0", "every share is 0"}, {"push=1,", "names no share"}}) {
        auto const m = parse_mix(text);
        BOOST_TEST_CONTEXT(text) {
            BOOST_REQUIRE(!m);
            BOOST_TEST(m.error().detail.find(word) != std::string::npos, m.error().detail);
        }
    }
}

// ---- schedule ---------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(even_arrivals_are_a_gap_apart) {
    auto const all = make_schedule({.rate = 10, .duration = 2s, .peers = 3, .mix = parse_mix("push=1").value(), .arrivals = arrivals::even});
    BOOST_REQUIRE(all.size() == 20u);
    for (std::size_t i = 0; i < all.size(); ++i) BOOST_TEST(std::abs((all[i].due - static_cast<int>(i) * 100ms).count()) < 1'000);
}

BOOST_AUTO_TEST_CASE(poisson_arrivals_have_the_rate_and_its_spread) {
    auto const all = make_schedule({.rate = 1'000, .duration = 20s, .peers = 7, .mix = parse_mix(default_mix).value(), .seed = 5});
    BOOST_TEST(std::abs(static_cast<double>(all.size()) - 20'000) < 5 * std::sqrt(20'000));
    double previous = 0, sum = 0, squares = 0;
    std::array<int, operations> each{};
    for (auto const& p : all) {
        double const at = std::chrono::duration<double>{p.due}.count(), gap = at - previous;
        BOOST_REQUIRE(gap >= 0);
        sum += gap, squares += gap * gap, previous = at;
        ++each[static_cast<std::size_t>(p.what)];
    }
    double const n = static_cast<double>(all.size()), mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
    BOOST_TEST(std::abs(deviation / mean - 1) < 0.05);  // of an exponential distribution both are the same
    BOOST_TEST(std::abs(each[0] / n - 0.5) < 0.02);
    BOOST_TEST(std::abs(each[3] / n - 0.05) < 0.01);
}

BOOST_AUTO_TEST_CASE(a_seed_pins_the_schedule) {
    auto const of = [](std::uint64_t seed) {
        std::string out;
        for (auto const& p : make_schedule({.rate = 50, .duration = 3s, .peers = 4, .mix = parse_mix(default_mix).value(), .seed = seed})) out += std::to_string(p.due.count()) + std::string{to_string(p.what)} + std::to_string(p.peer) + '/' + std::to_string(p.turn) + ' ';
        return out;
    };
    BOOST_TEST(of(1) == of(1));
    BOOST_TEST(of(1) != of(2));
}

BOOST_AUTO_TEST_CASE(a_default_run_keeps_to_the_budget_of_every_peer) {
    constexpr std::size_t budget = 100, beside_the_schedule = 2;  // the first push, and the last one repeated
    auto const m = parse_mix(default_mix).value();
    BOOST_TEST(busiest_minute(make_schedule({.rate = 100, .duration = 180s, .peers = 100, .mix = m}), operation::push, 100) + beside_the_schedule <= budget);
    // Near the highest rate that is let through without --over-limits, too.
    BOOST_TEST(busiest_minute(make_schedule({.rate = 300, .duration = 180s, .peers = 100, .mix = m}), operation::push, 100) + beside_the_schedule <= budget);
    BOOST_TEST(busiest_minute(make_schedule({.rate = 600, .duration = 180s, .peers = 100, .mix = m}), operation::push, 100) > budget);
}

BOOST_AUTO_TEST_CASE(all_peers_have_their_turn_before_one_has_it_again) {
    auto const all = make_schedule({.rate = 100, .duration = 5s, .peers = 10, .mix = parse_mix("push=1,pull=1").value(), .seed = 9});
    std::array<std::vector<std::uint32_t>, 2> turns{std::vector<std::uint32_t>(10), std::vector<std::uint32_t>(10)};
    for (auto const& p : all) {
        auto& of = turns[static_cast<std::size_t>(p.what)];
        BOOST_TEST(p.turn == of[p.peer]++);
        auto const [least, most] = std::minmax_element(of.begin(), of.end());
        BOOST_REQUIRE(*most - *least <= 1);
    }
}

// ---- judgement --------------------------------------------------------------------------------------------

namespace {

/// A conversation of four acknowledged pushes, and a store that took them all.
struct world {
    kept_conversation kept{"c1", "Title", 0, {}};
    json::object stored;

    world() {
        for (int i = 0; i < 4; ++i) {
            auto const said = made_turn(kept, {"local", "web"}, {"m" + std::to_string(i), 7u + static_cast<std::uint64_t>(i), 1 + i, {1'700'000'000 + i, 0}});
            kept.pushes.push_back(entry_for(said, "s" + std::to_string(i)));
            kept.pushes.back().fate = fate::acknowledged;
            take(said);
        }
    }
    void take(json::object said) {
        json::array all;
        if (auto const* before = stored.if_contains("messages")) all = before->as_array();
        for (auto const& m : said["messages"].as_array()) all.push_back(m);
        said["messages"] = all;
        stored = said;
    }
    json::array& messages() { return stored["messages"].as_array(); }
    [[nodiscard]] judgement judged() const { return judge(kept, json::value(stored)); }
};

void shows_only(judgement const& j, flaw what, std::string const& message) {
    BOOST_REQUIRE(!j.flaws.empty());
    for (auto const& f : j.flaws) BOOST_TEST(to_string(f.what) == to_string(what), f.words);
    BOOST_TEST(j.flaws[0].message == message);
    BOOST_TEST(j.flaws[0].conversation == "c1");
    BOOST_TEST(j.expected != j.actual);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_store_that_kept_everything_is_right) {
    world w;
    auto const j = w.judged();
    BOOST_TEST(j.flaws.empty());
    BOOST_TEST(j.expected == j.actual);
    BOOST_TEST(j.acknowledged == w.messages().size());
    // What a backend may add, and in which order members stand, is no matter.
    w.stored["x_more"] = 1;
    w.messages()[0].as_object()["redacted"] = false;
    BOOST_TEST(w.judged().flaws.empty());
}

BOOST_AUTO_TEST_CASE(a_store_that_lost_a_message_is_found_out) {
    world w;
    std::string const gone = text_at(w.messages()[2], "/id");
    w.messages().erase(w.messages().begin() + 2);
    auto const j = w.judged();
    BOOST_TEST(j.flaws.size() == 1u);
    shows_only(j, flaw::lost, gone);
    BOOST_TEST(j.flaws[0].words.find("acknowledged") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_store_without_the_conversation_lost_all_of_it) {
    world const w;
    auto const j = judge(w.kept, json::value{});
    BOOST_TEST(j.flaws.size() == j.acknowledged);
    shows_only(j, flaw::lost, w.kept.pushes[0].messages[0].id);
}

BOOST_AUTO_TEST_CASE(a_tombstone_of_a_message_is_not_the_message) {
    world w;
    auto& m = w.messages()[0].as_object();
    m["deleted"] = true;
    m["content"] = "";
    shows_only(w.judged(), flaw::lost, text_at(w.messages()[0], "/id"));
}

BOOST_AUTO_TEST_CASE(doubled_changed_and_foreign_messages_are_told_apart) {
    {
        world w;
        auto const again = w.messages()[1];
        w.messages().push_back(again);
        shows_only(w.judged(), flaw::twice, text_at(again, "/id"));
    }
    for (char const* member : {"content", "role", "timestamp", "surface", "source_backend"}) {
        world w;
        w.messages()[1].as_object()[member] = "other";
        shows_only(w.judged(), flaw::altered, text_at(w.messages()[1], "/id"));
    }
    {
        world w;
        w.messages()[1].as_object().erase("role");
        shows_only(w.judged(), flaw::altered, text_at(w.messages()[1], "/id"));
    }
    {
        world w;
        auto other = w.messages()[1];
        other.as_object()["id"] = "of-somebody-else";
        w.messages().push_back(other);
        shows_only(w.judged(), flaw::foreign, "of-somebody-else");
    }
}

BOOST_AUTO_TEST_CASE(the_conversation_itself_must_be_that_of_its_last_push) {
    for (char const* member : {"version", "last_modified", "title"}) {
        world w;
        w.stored[member] = std::string_view{member} == "version" ? json::value(3) : json::value("2020-01-01T00:00:00Z");
        shows_only(w.judged(), flaw::stale, "");
    }
}

BOOST_AUTO_TEST_CASE(a_refused_push_must_not_show) {
    world w;
    w.kept.pushes[3].fate = fate::refused;
    auto const j = w.judged();
    shows_only(j, flaw::foreign, w.kept.pushes[3].messages[0].id);
}

BOOST_AUTO_TEST_CASE(a_push_without_an_answer_may_show_or_not_but_as_a_whole) {
    world w;
    // The one with two messages that is latest.
    std::size_t pair = 3;
    while (w.kept.pushes[pair].messages.size() != 2) --pair;
    w.kept.pushes[pair].fate = fate::unknown;
    BOOST_TEST(w.judged().flaws.empty());
    auto const drop = [&](std::string const& id) {
        for (auto at = w.messages().begin(); at != w.messages().end(); ++at)
            if (text_at(*at, "/id") == id) {
                w.messages().erase(at);
                return;
            }
    };
    drop(w.kept.pushes[pair].messages[0].id);
    shows_only(w.judged(), flaw::lost, w.kept.pushes[pair].messages[0].id);
    drop(w.kept.pushes[pair].messages[1].id);
    if (pair == 3) w.stored["version"] = 3, w.stored["last_modified"] = w.kept.pushes[2].last_modified;
    BOOST_TEST(w.judged().flaws.empty());
}

BOOST_AUTO_TEST_CASE(of_a_push_with_refused_items_any_part_may_show) {
    world w;
    std::size_t pair = 3;
    while (w.kept.pushes[pair].messages.size() != 2) --pair;
    w.kept.pushes[pair].fate = fate::in_part;
    BOOST_TEST(w.judged().flaws.empty());
    auto const& gone = w.kept.pushes[pair].messages[1].id;
    auto& all = w.messages();
    all.erase(std::find_if(all.begin(), all.end(), [&](auto const& m) { return text_at(m, "/id") == gone; }));
    BOOST_TEST(w.judged().flaws.empty());
}

// ---- figures ----------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_latency_counts_from_when_the_request_was_due) {
    std::vector<planned> const plan{{1s, operation::push, 0, 0}, {2s, operation::push, 0, 1}};
    figures f{10s, plan};
    f.ended(plan[0], ending::ok, 4s, 1s, "");    // a stall of three seconds,
    f.ended(plan[1], ending::ok, 4001ms, 4s, "");  // behind which the next one waited for two
    BOOST_TEST(f.all_since_due().quantile(0) / 10'000 == 200u);
    BOOST_TEST(f.all_since_sent().quantile(0) / 10 == 100u);
    BOOST_TEST(f.all_since_due().max() == 3'000'000u);
    BOOST_TEST(f.over_time[1].since_due.count() == 1u);
    BOOST_TEST(f.over_time[4].ended[static_cast<std::size_t>(ending::ok)] == 2u);
}

BOOST_AUTO_TEST_CASE(limits_are_no_failures) {
    std::vector<planned> const plan(4, planned{});
    figures f{1s, plan};
    f.ended(plan[0], ending::ok, 1ms, 0ms, "");
    f.ended(plan[1], ending::limited, 1ms, 0ms, "429");
    f.ended(plan[2], ending::busy, 1ms, 0ms, "503");
    BOOST_TEST(f.success_ratio() == 1.0);
    f.ended(plan[3], ending::closed, 1ms, 0ms, "first");
    BOOST_TEST(f.success_ratio() == 0.5);
    BOOST_TEST(f.examples.at(ending::closed) == "first");
}

BOOST_AUTO_TEST_CASE(a_late_generator_says_so) {
    figures f{1s, {}};
    for (int i = 0; i < 100; ++i) f.effort.lag.record(50);
    f.effort.machine_busy = 0.3;
    BOOST_TEST(limits_of_generator(f, true) == "");
    f.effort.machine_busy = 0.98;
    BOOST_TEST(limits_of_generator(f, false) == "");
    BOOST_TEST(limits_of_generator(f, true).find("shares a machine") != std::string::npos);
    for (int i = 0; i < 100; ++i) f.effort.lag.record(50'000);
    BOOST_TEST(limits_of_generator(f, false).find("itself was late") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(numbers_are_written_for_people) {
    BOOST_TEST(number_words(0) == "0");
    BOOST_TEST(number_words(12.44) == "12.4");
    BOOST_TEST(number_words(100) == "100");
    BOOST_TEST(number_words(1'234'567) == "1,234,567");
    BOOST_TEST(duration_words(420) == "420 µs");
    BOOST_TEST(duration_words(3'100) == "3.1 ms");
    BOOST_TEST(duration_words(12'000'000) == "12 s");
    BOOST_TEST(percent_words(0.99999) == "99.99 %");
    BOOST_TEST(percent_words(1) == "100 %");
}

// ---- what is sent -----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_turn_can_be_made_again) {
    kept_conversation const c{"c", "t", 0, {}};
    auto const turn = [&](std::uint64_t seed) { return json::serialize(made_turn(c, {"local", "ios"}, {"m", seed, 3, {1'700'000'000, 0}})); };
    BOOST_TEST(turn(1) == turn(1));
    BOOST_TEST(turn(1) != turn(2));
}

BOOST_AUTO_TEST_CASE(people_write_short_messages_and_sometimes_long_ones) {
    histogram lengths;
    std::set<std::string> different;
    for (std::uint64_t i = 0; i < 2'000; ++i) {
        auto const text = talk(scrambled(i), false);
        lengths.record(text.size());
        different.insert(text);
        BOOST_REQUIRE(text.find_first_of("0123456789@") == std::string::npos);  // nothing to redact
    }
    BOOST_TEST(lengths.quantile(0.5) > 40u);
    BOOST_TEST(lengths.quantile(0.5) < 90u);
    BOOST_TEST(lengths.quantile(0.99) > 300u);
    BOOST_TEST(different.size() > 1'900u);
}

BOOST_AUTO_TEST_SUITE_END()
