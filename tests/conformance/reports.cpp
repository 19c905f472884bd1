#include "conformance/report/curl.hpp"
#include "conformance/report/events.hpp"
#include "conformance/report/reading.hpp"

#include <boost/json/parse.hpp>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdio>
#include <memory>
#include <sstream>

using namespace bsp::conformance;
namespace json = bsp::json;

namespace {

constexpr auto secret = "pairing-secret-of-ada-0123456789";

struct rendered {
    std::string terminal, lines, junit, html, markdown, sarif, badge;
};

/// A run with one pass, one failure that quotes hostile text and the secret, one inexact refusal, one untested.
rendered render() {
    auto const t = in_process([](bsp::http_request const& r, bsp::instant) {
        if (r.target == "/identity")
            return bsp::http_response{200, {{"Server", std::string{"<b>\"&'\033[31m "} + secret}}, R"({"backend_id":"hosted_sha256_0123456789abcdef","backend_type":"hosted","version":"1.0"})"};
        return bsp::http_response{400, {}, std::string{"<script>alert(1)</script> ]]> \x01 "} + secret};
    });
    surroundings world{*t, {{{"ada", secret}}, "admin-token-0123456789", 42, std::chrono::milliseconds{500}, {}, {}}};
    auto const look = probe(world);
    static check const checks[] = {
        {"test/pass", "it passes", {"BSP-ID-001"}, "i", "c", [](scenario& s) { s.accepted(s.nobody().get("/identity"), "it"); }},
        {"test/fail", "it <fails> & says so", {"BSP-ID-002"}, "people <lose> data", "a && b", [](scenario& s) { s.accepted(s.admin().post("/x", json::object{{"a", "it's"}}), std::string{"with "} + secret); }},
        {"test/inexact", "it refuses in another form", {"BSP-ID-003"}, "i", "c", [](scenario& s) { s.control(s.nobody().get("/identity"), "c"); s.refused(s.nobody().get("/x"), "x", {.statuses = {401}}); }},
        {"test/untested", "nobody knows", {"BSP-ID-004"}, "i", "c", [](scenario&) {}, need::second_user},
        {"test/open", "nobody can tell", {"BSP-ID-007"}, "i", "c", [](scenario& s) { s.control(s.nobody().get("/x"), "c"); }}};
    std::vector<registered_check> selected;
    for (auto const& c : checks) selected.push_back({&c, profile::id, "test", selected.size()});
    run_options const options;
    std::ostringstream terminal, lines, xml, page, summary, sarif, badge;
    std::vector<std::unique_ptr<report>> all;
    all.push_back(terminal_report(terminal, false, false));
    all.push_back(json_lines_report(lines));
    all.push_back(junit_report(xml));
    all.push_back(html_report(page));
    all.push_back(markdown_report(summary));
    all.push_back(sarif_report(sarif));
    all.push_back(badge_report(badge));
    auto const take = [&](json::object const& e) {
        for (auto& r : all) r->take(e);
    };
    take(run_started(world, look, selected, options, "2026-01-02T03:04:05Z"));
    auto const result = run(world, selected, options, {[&](auto const& c) { take(check_started(c)); }, [&](judged const& j) { take(check_finished(world, j, {"http://x --users u", {}})); }});
    take(run_finished(world, result, std::chrono::milliseconds{1}));
    return {terminal.str(), lines.str(), xml.str(), page.str(), summary.str(), sarif.str(), badge.str()};
}

std::string shell(std::string const& command) {
    std::unique_ptr<FILE, int (*)(FILE*)> const pipe{::popen(command.c_str(), "r"), ::pclose};
    std::string out;
    std::array<char, 256> buffer;
    while (auto const n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) out.append(buffer.data(), n);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(suite_reports)

BOOST_AUTO_TEST_CASE(no_report_tells_a_secret) {
    auto const r = render();
    for (auto const* text : {&r.terminal, &r.lines, &r.junit, &r.html, &r.markdown, &r.sarif, &r.badge}) {
        BOOST_TEST(text->find(secret) == std::string::npos);
        BOOST_TEST(text->find("admin-token-0123456789") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(an_earlier_run_renders_to_the_same_bytes) {
    auto const r = render();
    auto const run = read_run(r.lines);
    BOOST_REQUIRE(run.has_value());
    std::ostringstream page, xml, summary, sarif, badge;
    std::vector<std::unique_ptr<report>> all;
    all.push_back(html_report(page));
    all.push_back(junit_report(xml));
    all.push_back(markdown_report(summary));
    all.push_back(sarif_report(sarif));
    all.push_back(badge_report(badge));
    for (auto& one : all) tell(*run, *one);
    BOOST_TEST((page.str() == r.html));
    BOOST_TEST((xml.str() == r.junit));
    BOOST_TEST((summary.str() == r.markdown));
    BOOST_TEST((sarif.str() == r.sarif));
    BOOST_TEST((badge.str() == r.badge));
}

BOOST_AUTO_TEST_CASE(a_command_line_names_the_admin_token_and_does_not_tell_it) {
    BOOST_TEST(render().terminal.find("-H 'Authorization: Bearer '\"$BSP_ADMIN_TOKEN\" ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(markdown_takes_no_markup_from_the_target) {
    auto const text = render().markdown;
    BOOST_TEST(text.starts_with("## BSP conformance: Not conformant"));
    BOOST_TEST(text.find("<script>") == std::string::npos);
    BOOST_TEST(text.find("it &#60;fails&#62; &#38; says so") != std::string::npos);
    BOOST_TEST(text.find("**Partial**: 5 of ") != std::string::npos);
    BOOST_TEST(text.find("| ID | 1 | 2 | 0 | 1 | 1 |") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(sarif_has_a_rule_and_a_result_for_what_did_not_pass) {
    json::value const log = boost::json::parse(render().sarif);
    BOOST_TEST(text_at(log, "/version") == "2.1.0");
    auto const results = objects_at(log, "/runs/0/results"), rules = objects_at(log, "/runs/0/tool/driver/rules");
    BOOST_TEST(results.size() == 3);
    BOOST_TEST(rules.size() == 3);
    for (std::size_t i = 0; i < results.size(); ++i) {
        json::value const one(results[i]), rule(rules[i]);
        BOOST_TEST(text_at(one, "/ruleId") == text_at(rule, "/id"));
        BOOST_TEST(integer_at(one, "/ruleIndex") == static_cast<std::int64_t>(i));
        bool const open = text_at(one, "/ruleId") == "test/open";
        BOOST_TEST(text_at(one, "/kind") == (open ? "open" : "fail"));
        BOOST_TEST(text_at(one, "/level") == (open ? "none" : "error"));
        BOOST_TEST(text_at(rule, "/help/markdown").find("](spec/02-identity.md#bsp-id-00") != std::string::npos);
        BOOST_TEST(integer_at(one, "/webResponse/statusCode") == 400);
    }
}

BOOST_AUTO_TEST_CASE(the_badge_is_well_formed_and_says_what_came_of_it) {
    std::istringstream in{render().badge};
    boost::property_tree::ptree tree;
    boost::property_tree::read_xml(in, tree);
    BOOST_TEST(tree.get<std::string>("svg.title") == "BSP 1.0: not conformant");
}

BOOST_AUTO_TEST_CASE(every_line_is_json_and_the_stream_is_framed) {
    std::istringstream in{render().lines};
    std::vector<std::string> kinds;
    std::string line;
    while (std::getline(in, line)) kinds.push_back(text_at(boost::json::parse(line), "/event"));
    BOOST_TEST(kinds.front() == "run-started");
    BOOST_TEST(kinds.back() == "run-finished");
    BOOST_TEST(std::count(kinds.begin(), kinds.end(), "check") == 5);
}

BOOST_AUTO_TEST_CASE(junit_is_well_formed_and_counts) {
    std::istringstream in{render().junit};
    boost::property_tree::ptree tree;
    boost::property_tree::read_xml(in, tree);
    auto const& suite = tree.get_child("testsuite");
    BOOST_TEST(suite.get<int>("<xmlattr>.tests") == 5);
    BOOST_TEST(suite.get<int>("<xmlattr>.failures") == 2);
    BOOST_TEST(suite.get<int>("<xmlattr>.errors") == 1);
    BOOST_TEST(suite.get<int>("<xmlattr>.skipped") == 1);
}

BOOST_AUTO_TEST_CASE(html_is_one_file_and_escapes_what_the_target_says) {
    auto const page = render().html;
    BOOST_TEST(page.find("<script>alert") == std::string::npos);
    BOOST_TEST(page.find("&lt;script&gt;alert") != std::string::npos);
    BOOST_TEST(page.find("src=") == std::string::npos);
    BOOST_TEST(page.find("<link") == std::string::npos);
    BOOST_TEST(page.find("{{") == std::string::npos);
    BOOST_TEST(page.find("id=\"BSP-ID-001\" data-verdict=\"pass\"") != std::string::npos);
    BOOST_TEST(page.find("id=\"BSP-ID-002\" data-verdict=\"fail\"") != std::string::npos);
    BOOST_TEST(page.find("id=\"BSP-ID-004\" data-verdict=\"none\"") != std::string::npos);
    for (auto const* tag : {"section", "article", "details", "table", "div", "span"}) {
        auto const count = [&](std::string const& what) {
            int n = 0;
            for (std::size_t at = 0; (at = page.find(what, at)) != std::string::npos; ++at) ++n;
            return n;
        };
        BOOST_TEST(count("<" + std::string{tag}) == count("</" + std::string{tag} + ">"), tag);
    }
}

BOOST_AUTO_TEST_CASE(the_terminal_shows_a_failure_whole) {
    auto const text = render().terminal;
    for (char const* part : {"FAIL  BSP-ID-002  MUST", "expected", "actual    400", "1   admin POST /x", "impact    people <lose> data", "likely    a && b", "curl -sS -i -X POST",
                             "bsp-conformance http://x --users u --only test/fail --seed 42", "NOT CONFORMANT"})
        BOOST_TEST(text.find(part) != std::string::npos, part);
    BOOST_TEST(text.find('\033') == std::string::npos);  // neither colours nor what the target sent
}

BOOST_AUTO_TEST_CASE(shell_words_survive_the_shell) {
    for (std::string const text : {"plain", "it's", "$HOME `id` \"x\" \\ !", "", "a\nb", "{\"a\": \"ö\"}"}) BOOST_TEST(shell("printf %s " + shell_word(text)) == text);
}

BOOST_AUTO_TEST_CASE(raw_lines_carry_every_byte) {
    auto const bytes = std::string("GET /%41\\'\xff\0 \r\n", 16);
    auto line = raw_line(bytes, "h", "1");
    line.resize(line.find(" | nc"));
    BOOST_TEST(shell(line) == bytes);
}

BOOST_AUTO_TEST_CASE(curl_lines_say_everything) {
    bsp::http_request const r{"POST", "/sync/p?x=1&y='", {{"Content-Type", "application/json"}, {"Authorization", "BSP a.b.c"}}, "{\"it's\": 1}", {}};
    BOOST_TEST(curl_line(r, "http://h:1") ==
               R"(curl -sS -i -X POST --path-as-is -H 'Content-Type: application/json' -H 'Authorization: BSP a.b.c' --data-binary '{"it'\''s": 1}' 'http://h:1/sync/p?x=1&y='\''')");
    BOOST_TEST(curl_line({"GET", "/", {}, {}, {}}, "http://h") == "curl -sS -i --path-as-is http://h/");
    BOOST_TEST(curl_line({"GET", "/", {}, {}, {}}, "https://h", {}, " --insecure") == "curl -sS -i --path-as-is --insecure https://h/");
    BOOST_TEST(curl_line({"POST", "/", {{"Content-Type", "a/b"}}, std::string("\0\1", 2), {}}, "http://h", "out/b.bin").find("--data-binary @out/b.bin") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
