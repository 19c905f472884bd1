#include "conformance/commands.hpp"
#include "conformance/faulty/faults.hpp"
#include "conformance/faulty/http_server.hpp"
#include "conformance/quick.hpp"
#include "conformance/report/reading.hpp"

#include <bsp/crypto/rsa.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

/// What is made of reports that exist already, and the looks before a run: render, diff, matrix, doctor, --quick.
namespace {

using namespace bsp::conformance;
namespace json = bsp::json;

/// A folder that vanishes with the test.
struct scratch {
    std::filesystem::path folder;
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "bsp-renderings-XXXXXX").string();
        folder = ::mkdtemp(name.data());
    }
    ~scratch() { std::filesystem::remove_all(folder); }
    std::string put(std::string const& name, std::string const& text) const {
        std::ofstream{folder / name, std::ios::binary} << text;
        return (folder / name).string();
    }
};

json::object started(std::int64_t checks, std::string const& clause_set = "aaaa") {
    return {{"event", "run-started"}, {"suite_version", "1.0.0"}, {"spec", "1.0"}, {"clause_set_hash", clause_set}, {"seed", 1}, {"level", "strict"},
            {"time", "2026-01-02T03:04:05Z"}, {"target", json::object{{"url", "http://h:1/base"}}}, {"checks", checks}, {"checks_known", checks}};
}

json::object finished(int exit_code) {
    return {{"event", "run-finished"}, {"exit_code", exit_code}, {"compatible", "yes"}, {"strict", "yes"}, {"took_ms", 1}, {"clauses", json::array{}}, {"counts", json::object{}}};
}

json::object checked(std::string const& id, std::string const& verdict, json::array clauses = {"BSP-ID-001"}) {
    return {{"event", "check"}, {"check", id}, {"title", "t"}, {"group", "g"}, {"profile", "ID"}, {"strength", "MUST"}, {"aspect", "behaviour"}, {"verdict", verdict},
            {"counts", true}, {"clauses", std::move(clauses)}, {"took_us", 1}, {"steps_total", 1}};
}

/// `check`, failed at one request.
json::object failed(json::object check, std::string const& expected, std::string const& actual, std::string const& method = "GET", std::string const& path = "/base/x", int status = 200) {
    check["verdict"] = "FAIL";
    check["failure"] = json::object{{"expected", expected}, {"actual", actual}, {"step", 1}};
    check["steps"] = json::array{json::object{{"step", 1}, {"result", std::to_string(status)}, {"request", json::object{{"method", method}, {"target", path}}}, {"response", json::object{{"status", status}}}}};
    return check;
}

std::string stream(std::vector<json::object> const& checks, int exit_code = 0, std::string const& clause_set = "aaaa") {
    std::string out = json::serialize(started(static_cast<std::int64_t>(checks.size()), clause_set)) + "\n";
    for (auto const& c : checks) out += json::serialize(c) + "\n";
    return out + json::serialize(finished(exit_code)) + "\n";
}

std::string what_is_wrong(std::string const& text) {
    auto const run = read_run(text);
    return run ? "nothing" : run.error().detail;
}

struct told {
    int code;
    std::string out, err;
};

template <class Command>
told tell(Command const& command) {
    std::ostringstream out, err;
    int const code = command(out, err);
    return {code, out.str(), err.str()};
}

output_files only(std::string output_files::* which, std::string const& path) {
    output_files out;
    out.*which = path;
    return out;
}

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The lines beneath the title that begins with `title`.
std::string section(std::string const& text, std::string const& title) {
    auto const begin = text.find("\n" + title + " (");
    return begin == std::string::npos ? "" : text.substr(begin, text.find("\n\n", begin) - begin);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(suite_renderings)

BOOST_AUTO_TEST_CASE(a_stream_that_is_none_is_told_in_one_line) {
    auto const good = stream({checked("a/b", "PASS")});
    BOOST_TEST(what_is_wrong(good) == "nothing");
    BOOST_TEST(what_is_wrong(good + "\n \r\n") == "nothing");
    auto const last_line = good.rfind("{\"event\":\"run-finished\"");
    for (auto const& [text, part] : {std::pair<std::string, char const*>{"", "empty"},
                                     {"hello", "not JSON lines"},
                                     {"[1]\n", "not JSON lines"},
                                     {"{\"a\":1}\n", "begins with \"run-started\""},
                                     {good.substr(0, last_line), "cut off after 1 checks"},
                                     {good.substr(0, last_line + 30), "line 3: cut off in the middle"},
                                     {good + good, "line 4: a second run"},
                                     {good + json::serialize(checked("a/c", "PASS")), "line 4: an event after"},
                                     {stream({checked("a/b", "PASS"), checked("a/b", "FAIL")}), "a/b occurs twice"},
                                     {stream({checked("a/b", "GREAT")}), "line 2: \"check\" has no usable /verdict"},
                                     {stream({checked("a/b", "PASS", {})}), "no usable /clauses"}})
        BOOST_TEST(has(what_is_wrong(text), part), what_is_wrong(text));
}

BOOST_FIXTURE_TEST_CASE(bad_input_of_a_command_is_wrong_usage_and_writes_nothing, scratch) {
    auto const good = put("good.jsonl", stream({checked("a/b", "PASS")})), bad = put("bad.jsonl", "hello"), html = (folder / "x.html").string();
    for (auto const& t : {tell([&](auto& o, auto& e) { return render(bad, only(&output_files::html, html), o, e); }), tell([&](auto& o, auto& e) { return diff_reports(good, bad, o, e); }),
                          tell([&](auto& o, auto& e) { return matrix({{good, (folder / "none").string()}}, o, e); }), tell([&](auto& o, auto& e) { return render(good, only(&output_files::html, "/nonexistent/x"), o, e); })}) {
        BOOST_TEST(t.code == exit_code::usage);
        BOOST_TEST(t.out == "");
        BOOST_TEST(std::count(t.err.begin(), t.err.end(), '\n') == 1, t.err);
    }
    BOOST_TEST(!std::filesystem::exists(html));
}

BOOST_FIXTURE_TEST_CASE(render_writes_every_report, scratch) {
    auto const good = put("good.jsonl", stream({checked("a/b", "PASS")}));
    auto const t = tell([&](auto& o, auto& e) { return render(good, only(&output_files::folder, (folder / "all").string()), o, e); });
    BOOST_TEST(t.code == 0);
    for (char const* name : {"report.html", "report.xml", "report.jsonl", "report.md", "report.sarif", "badge.svg"}) BOOST_TEST(std::filesystem::file_size(folder / "all" / name) > 100, name);
    BOOST_TEST(has(tell([&](auto& o, auto& e) { return render(good, only(&output_files::markdown, "-"), o, e); }).out, "## BSP conformance: Conformant"));
    BOOST_TEST(has(tell([&](auto& o, auto& e) { return render(good, {}, o, e); }).out, "CONFORMANT"));
}

BOOST_FIXTURE_TEST_CASE(a_profile_without_clauses_of_its_own_counts_none, scratch) {
    auto fuzzed = checked("gen/fuzz", "PASS");
    fuzzed["profile"] = "FUZZ";
    auto end = finished(0);
    end["clauses"] = json::array{json::object{{"id", "BSP-ID-001"}, {"profile", "ID"}, {"verdict", "PASS"}}, json::object{{"id", "BSP-ID-002"}, {"profile", "ID"}, {"verdict", "UNTESTED"}}};
    auto const file = put("run.jsonl", json::serialize(started(2)) + "\n" + json::serialize(checked("id/a", "PASS")) + "\n" + json::serialize(fuzzed) + "\n" + json::serialize(end) + "\n");
    auto const markdown = tell([&](auto& o, auto& e) { return render(file, only(&output_files::markdown, "-"), o, e); }).out;
    BOOST_TEST(has(markdown, "| FUZZ | 1 | 0 | 0 | 0 | 0 | – |\n"), markdown);
    BOOST_TEST(has(markdown, "| ID | 1 | 0 | 0 | 0 | 0 | 1 of 2 |\n"), markdown);
    auto const terminal = tell([&](auto& o, auto& e) { return render(file, {}, o, e); }).out;
    BOOST_TEST(has(terminal, " –\n"), terminal);
    BOOST_TEST(has(terminal, " 1 of 2\n"), terminal);
}

BOOST_FIXTURE_TEST_CASE(diff_tells_each_kind_of_change, scratch) {
    auto const was = put("was.jsonl", stream({checked("a/falls", "PASS"), failed(checked("a/rises", "FAIL"), "e", "x"), checked("a/same", "PASS"), checked("a/gone", "PASS"), checked("a/asked", "PASS"),
                                              checked("a/applies", "NOT-APPLICABLE"), checked("a/shown", "UNTESTED")}, 1));
    auto const is = put("is.jsonl", stream({failed(checked("a/falls", "FAIL"), "e", "x"), checked("a/rises", "PASS"), checked("a/same", "PASS"), failed(checked("a/new", "FAIL"), "e", "x"), checked("a/asked", "UNTESTED"),
                                            checked("a/applies", "PASS"), checked("a/shown", "PASS")}, 1, "bbbb"));
    auto const t = tell([&](auto& o, auto& e) { return diff_reports(was, is, o, e); });
    BOOST_TEST(t.code == 1);
    BOOST_TEST(has(section(t.out, "regressed"), "a/falls"));
    BOOST_TEST(has(section(t.out, "regressed"), "a/asked"));  // only a pass is green
    BOOST_TEST(has(section(t.out, "fixed"), "a/rises"));
    BOOST_TEST(has(section(t.out, "new"), "a/new"));
    BOOST_TEST(has(section(t.out, "gone"), "a/gone"));
    BOOST_TEST(has(section(t.out, "otherwise changed"), "a/applies"));
    BOOST_TEST(has(t.out, "another clause set: aaaa, then bbbb"));
    BOOST_TEST(has(t.out, "2 regressed, 1 fixed, 2 otherwise changed, 1 new, 1 gone; 1 still pass, 0 still do not"));
    BOOST_TEST(tell([&](auto& o, auto& e) { return diff_reports(was, was, o, e); }).code == 0);
    auto const better = put("better.jsonl", stream({checked("a/rises", "PASS")}));
    BOOST_TEST(tell([&](auto& o, auto& e) { return diff_reports(was, better, o, e); }).code == 0);
}

BOOST_FIXTURE_TEST_CASE(matrix_lists_what_does_not_pass_everywhere, scratch) {
    auto const one = put("one.jsonl", stream({checked("a/both", "PASS"), checked("a/one", "PASS"), checked("a/n", "UNTESTED")}));
    auto const two = put("two.jsonl", stream({checked("a/both", "PASS"), failed(checked("a/one", "FAIL"), "e", "x")}, 1));
    auto const t = tell([&](auto& o, auto& e) { return matrix({{one, two}}, o, e); });
    BOOST_TEST(t.code == 0);
    BOOST_TEST(has(t.out, "ID       2/2  1/2\n"));
    BOOST_TEST(has(t.out, "a/one  pass      FAIL\n"));
    BOOST_TEST(has(t.out, "a/n    untested  -\n"));
    BOOST_TEST(!has(t.out, "a/both"));
    BOOST_TEST(has(t.out, "1 of 3 checks pass everywhere"));
    auto const md = tell([&](auto& o, auto& e) { return matrix({{one, two}, true, true}, o, e); }).out;
    BOOST_TEST(has(md, "| check | one | two |\n|---|:-:|:-:|\n"));
    BOOST_TEST(has(md, "| a/both | pass | pass |\n"));
}

BOOST_AUTO_TEST_CASE(failures_with_one_cause_are_grouped) {
    auto const named = [](char const* id, char const* clause) { return checked(id, "FAIL", {clause}); };
    auto open = failed(named("open/push", "C-4"), "", "", "POST", "/base/sync/p9?x=1", 500);
    open["verdict"] = "INCONCLUSIVE", open["reason"] = "control failed: a push should be accepted, but got 500";
    open.erase("failure");
    std::vector<json::value> checks;
    for (auto const& c : {failed(named("syn/push", "C-1"), "a push is accepted", "500", "POST", "/base/sync/p1", 500), open,
                          failed(named("syn/elsewhere", "C-5"), "a read is accepted", "500", "GET", "/base/sync/p1", 500),            // another method
                          failed(named("reg/a", "C-2"), "a is refused", "200: it was accepted"), failed(named("reg/b", "C-3"), "b is refused", "200: it was accepted"),  // two mistakes
                          failed(named("form/a", "C-6"), "400", "422"), failed(named("form/b", "C-7"), "400", "422"),
                          failed(named("cl/narrow", "C-8"), "n", "m"), failed(checked("cl/wide", "FAIL", {"C-9", "C-8"}), "w", "v"), failed(checked("cl/wider", "FAIL", {"C-10", "C-9", "C-11"}), "u", "t"),
                          checked("ok/ok", "PASS", {"C-1"})})
        checks.emplace_back(c);
    std::map<std::string, std::set<std::string>> groups;
    for (auto const& g : shared_causes(checks, "/base")) groups[g.check] = {g.others.begin(), g.others.end()};
    BOOST_TEST(groups.size() == 3);
    BOOST_TEST((groups["syn/push"] == std::set<std::string>{"open/push"}));
    BOOST_TEST((groups["form/a"] == std::set<std::string>{"form/b"}));
    BOOST_TEST((groups["cl/narrow"] == std::set<std::string>{"cl/wide"}));  // and not, by way of that, cl/wider
}

BOOST_AUTO_TEST_CASE(quick_covers_every_profile_with_checks_that_exist) {
    std::set<profile> covered;
    std::set<std::string> once;
    for (auto const& id : quick_checks()) {
        auto const* row = find_check(id);
        BOOST_REQUIRE_MESSAGE(row, id);
        covered.insert(row->profile);
        BOOST_TEST(once.insert(id).second, id);
        BOOST_TEST((row->check->needs & (need::alone | need::generator | need::restart_hook | need::kill_hook)) == 0u, id);
        BOOST_TEST((row->check->strength == obligation::must), id);
    }
// Fuzzing takes its time, and is asked for by name; clients are watched for half a minute, where there is a listener.
#define BSP_X(name, text, title) BOOST_TEST((covered.contains(profile::name) || profile::name == profile::fuzz || profile::name == profile::off), text);
    BSP_PROFILES(BSP_X)
#undef BSP_X
}

BOOST_FIXTURE_TEST_CASE(the_doctor_says_what_does_not_work_and_what_to_do, scratch) {
    std::string const secret(43, 'a'), other(43, 'b');
    auto const users = put("users.json", "{\"ada\":\"" + secret + "\",\"bob\":\"" + other + "\"}"), wrong = put("wrong.json", "{\"ada\":\"" + other + "\",\"bob\":\"" + other + "\"}");
    auto const token = put("token", "token-of-the-administrator\n"), no_token = put("no-token", "another-token-altogether");
    bsp::faulty::http_server server{0};
    bsp::faulty::settings const settings{.base_url = server.url(), .backend_type = "hosted", .users = {{"ada", secret}, {"bob", other}}, .admin_token = "token-of-the-administrator", .key = bsp::rsa_private_key::generate()};
    auto const backend = std::make_shared<bsp::faulty::backend>(settings);
    server.start([backend](bsp::http_request const& r, bsp::instant now) { return backend->handle(r, now); });

    auto const well = tell([&](auto& o, auto& e) { return doctor({server.url(), users, token}, o, e); });
    BOOST_TEST(well.code == 0, well.out);
    BOOST_TEST(has(well.out, "\nREADY"));
    BOOST_TEST(!has(well.out, "BAD"), well.out);
    auto const ill = tell([&](auto& o, auto& e) { return doctor({server.url(), wrong, no_token}, o, e); });
    BOOST_TEST(ill.code == 1);
    BOOST_TEST(has(ill.out, "BAD   user ada"));
    BOOST_TEST(has(ill.out, "ok    user bob"));
    BOOST_TEST(has(ill.out, "BAD   admin token"));
    BOOST_TEST(has(ill.out, "NOT READY: 2 things"));
    for (auto const* text : {&well.out, &ill.out})
        for (auto const& hidden : {secret, other, std::string{"token-of-the-administrator"}, std::string{"another-token-altogether"}}) BOOST_TEST(!has(*text, hidden));
    auto const nobody = tell([&](auto& o, auto& e) { return doctor({"http://127.0.0.1:1", users, token}, o, e); });
    BOOST_TEST(nobody.code == exit_code::unreachable);
    BOOST_TEST(tell([&](auto& o, auto& e) { return doctor({server.url(), (folder / "none").string(), {}}, o, e); }).code == exit_code::usage);
}

BOOST_FIXTURE_TEST_CASE(the_doctor_tells_how_far_a_clock_is_off, scratch) {
    std::string const secret(43, 'a');
    auto const users = put("users.json", "{\"ada\":\"" + secret + "\"}");
    for (auto const& [off, line] : {std::pair<int, char const*>{0, "ok    clock           agrees with this machine's"},
                                    {30, "note  clock           the target's is "},
                                    {-600, "BAD   clock           the target's is "},
                                    {100'000, "BAD   clock           the target's is "}}) {
        bsp::faulty::http_server server{0};
        auto const backend = std::make_shared<bsp::faulty::backend>(
            bsp::faulty::settings{.base_url = server.url(), .backend_type = "hosted", .users = {{"ada", secret}}, .admin_token = "token", .key = bsp::rsa_private_key::generate()});
        server.start([backend, seconds = off](bsp::http_request const& r, bsp::instant now) { return backend->handle(r, {now.seconds + seconds, now.nanoseconds}); });
        auto const t = tell([&](auto& o, auto& e) { return doctor({.url = server.url(), .users_file = users, .admin_token_file = {}}, o, e); });
        BOOST_TEST(has(t.out, line), t.out);
        BOOST_TEST(has(t.out, off < 0 ? " s behind this machine's" : off > 0 ? " s ahead of this machine's" : "clock"), t.out);
        BOOST_TEST(has(t.out, "ok    user ada"), t.out);  // the suite follows the target's clock
        BOOST_TEST(t.code == (off < 0 || off > 60 ? exit_code::failed : exit_code::conformant));
    }
}

BOOST_AUTO_TEST_SUITE_END()
