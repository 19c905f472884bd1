#include "support.hpp"

#include <reference_server/storage/sqlite_store.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using bsp::instant;
namespace fs = std::filesystem;

namespace {

constexpr instant then{1'767'139'200, 0};

/// Files of the folder that hold any of `words`.
std::vector<std::string> files_with(fs::path const& folder, std::vector<std::string> const& words) {
    std::vector<std::string> found;
    for (auto const& entry : fs::recursive_directory_iterator{folder}) {
        if (!entry.is_regular_file()) continue;
        std::ifstream in{entry.path(), std::ios::binary};
        std::string const bytes{std::istreambuf_iterator<char>{in}, {}};
        for (auto const& word : words)
            if (bytes.find(word) != std::string::npos) found.push_back(entry.path().filename().string() + ": " + word);
    }
    return found;
}

bsp::result<> fill(bsp::store_writer& w, std::string const& user, std::string const& word) {
    auto& mine = w.tenant(user);
    BSP_TRY(instant const at, mine.begin_change(then));
    for (int c = 0; c < 5; ++c) {
        bsp::merge::conversation_head h;
        h.conversation_id = "conversation-" + word + std::to_string(c);
        h.surfaces = {"web"};
        h.scalars.body = R"({"title": ")" + word + "\"}";
        BSP_CHECK(mine.put_head(h, at));
        for (int i = 0; i < 40; ++i) {
            bsp::merge::message m;
            m.id = "message-" + word + std::to_string(i);
            m.surface = "web";
            m.timestamp = m.first_received = then;
            m.body = std::string(i % 7 == 0 ? 30'000 : 100, 'x') + word;  // some spill over to pages of their own
            BSP_CHECK(mine.put_messages(h.conversation_id, std::span{&m, 1}, at));
            if (i % 5 == 0) BSP_CHECK(mine.put_loser(h.conversation_id, m, at));
        }
    }
    BSP_CHECK(mine.put_receipt({"peer", "sync-" + word, {}, word, at}));
    for (int i = 0; i < 50; ++i) BSP_CHECK(mine.put_event({"event-" + word + std::to_string(i), "peer", "src", then, "{\"word\": \"" + word + "\"}"}));
    return bsp::ok();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(erasure)

// BSP-PRV-091, BSP-PRV-092: also in the log, and also while the server runs and others read.
BOOST_AUTO_TEST_CASE(what_was_erased_is_in_no_file) {
    support::scratch const dir;
    bsp::server::sqlite_store store{(dir / "bsp.db").string()};
    std::string const mine = "canary7f3ad1", theirs = "canaryb02e99";
    BOOST_REQUIRE(store.write([&](bsp::store_writer& w) { return fill(w, "ada", mine); }).has_value());
    BOOST_REQUIRE(store.write([&](bsp::store_writer& w) { return fill(w, "bob", theirs); }).has_value());
    BOOST_REQUIRE(!files_with(dir.path(), {mine}).empty());

    auto const erased = store.write([&](bsp::store_writer& w) -> bsp::result<> {
        auto& all = w.tenant("ada");
        BSP_TRY(auto const heads, all.heads("", 100));
        for (auto const& h : heads) {
            BSP_TRY(auto const messages, all.messages_in_order(h.conversation_id, std::nullopt, 1'000));
            for (auto const& m : messages) BSP_CHECK(all.put_departed(h.conversation_id, m.id, {}));
            BSP_CHECK(all.remove_conversation(h.conversation_id));
        }
        BSP_CHECK(all.remove_events(then + 24h, 1'000));
        return all.remove_derived();
    });
    BOOST_REQUIRE(erased.has_value());

    auto const until = std::chrono::steady_clock::now() + 20s;
    auto left = files_with(dir.path(), {mine});
    while (!left.empty() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(20ms);
        left = files_with(dir.path(), {mine});
    }
    BOOST_TEST(left.empty(), (left.empty() ? std::string{} : left.front()));
    BOOST_TEST(!files_with(dir.path(), {theirs}).empty());
    auto const known = store.read([&](bsp::store_reader& r) { return r.tenant("ada").departed("conversation-" + mine + "0", "message-" + mine + "3"); });
    BOOST_TEST((known.has_value() && known->has_value()));
}

BOOST_AUTO_TEST_SUITE_END()
