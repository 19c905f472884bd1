#include "conformance/answer_forms.hpp"

#include <bsp/json/parse.hpp>

#include <boost/test/unit_test.hpp>

namespace bsp::conformance {
namespace {

std::string found(std::string_view method, std::string_view path, std::string_view body) {
    auto const m = misshape_of(method, path, json::parse(body).value());
    return m ? m->clause + ": " + m->expected + "; " + m->actual : "";
}

BOOST_AUTO_TEST_SUITE(answer_forms)

BOOST_AUTO_TEST_CASE(a_right_answer_has_no_misshape) {
    BOOST_TEST(found("POST", "/sync/peer_1", R"({"status":"synced","acked_sync_id":"s1","conflicts":[],"next_sync_in_ms":5000})") == "");
    BOOST_TEST(found("GET", "/conversations", R"({"conversations":[],"has_more":false})") == "");
    BOOST_TEST(found("GET", "/alerts", R"({"alerts":[{"type":"disk_space","peer_id":null,"value":1.5,"threshold":2,"raised_at":"2025-12-31T00:00:00.5Z"}]})") == "");
}

BOOST_AUTO_TEST_CASE(members_that_are_not_of_the_table_are_nobodys_business) {
    BOOST_TEST(found("PUT", "/privacy-settings", R"({"status":"updated","more":[null]})") == "");
    BOOST_TEST(found("GET", "/no/such/path", "[]") == "");
    BOOST_TEST(found("GET", "/sync/peer_1/digest", R"({"digest":1})") == "");
}

BOOST_AUTO_TEST_CASE(an_absent_member_is_named_with_its_clause) {
    BOOST_TEST(found("DELETE", "/peers/peer_1", R"({"status":"unpaired"})") == "BSP-REG-041: /peer_id is a string; absent");
}

BOOST_AUTO_TEST_CASE(types_are_looked_at_within_arrays) {
    BOOST_TEST(found("POST", "/sync/peer_1", R"({"status":"synced","acked_sync_id":"s1","conflicts":null,"next_sync_in_ms":5000})") == "BSP-SYN-062: /conflicts is an array; null");
    BOOST_TEST(found("GET", "/conversations", R"({"conversations":[{"conversation_id":"c","version":1.0,"last_modified":"x","surfaces":[],"source_backend":"l"}],"has_more":false})") ==
               "BSP-CNV-030: /conversations/0/version is an integer from 0 to 2^53-1, without fraction and exponent; 1E0");
}

BOOST_AUTO_TEST_CASE(null_is_not_absence_unless_the_table_says_so) {
    std::string const message = R"({"id":"m","role":"user","content":"","timestamp":"2025-12-31T00:00:00Z","surface":"web","source_backend":"l","version":1)";
    BOOST_TEST(found("POST", "/conversations/c/messages", message + "}") == "");
    BOOST_TEST(found("POST", "/conversations/c/messages", message + R"(,"deleted":null})") == "BSP-CNV-040: /deleted is true or false; null");
}

BOOST_AUTO_TEST_CASE(times_of_a_backends_own_end_in_z) {
    std::string const head = R"({"alerts":[{"type":"x","peer_id":"p","value":1,"threshold":2,"raised_at":)";
    BOOST_TEST(found("GET", "/alerts", head + R"("2025-12-31T00:00:00+00:00"}]})") == R"(BSP-OBS-050: /alerts/0/raised_at is a timestamp in UTC with T and Z; "2025-12-31T00:00:00+00:00")");
    BOOST_TEST(found("GET", "/alerts", head + "1767139200}]}") == "BSP-OBS-050: /alerts/0/raised_at is a timestamp in UTC with T and Z; 1767139200");
}

BOOST_AUTO_TEST_CASE(a_deleted_conversation_may_be_shown_without_its_members) { BOOST_TEST(found("GET", "/conversations/c", R"({"conversation_id":"c","deleted":true})") == ""); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace bsp::conformance
