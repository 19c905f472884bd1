#include "support.hpp"

#include <reference_server/data_dir.hpp>
#include <reference_server/keys/key_store.hpp>
#include <reference_server/users.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <cstdlib>

namespace server = bsp::server;
using support::scratch;

namespace {

constexpr char const* one_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr char const* other_key = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A variable of the environment, for as long as this lives.
struct variable {
    variable(char const* n, std::string const& value) : name{n} { ::setenv(name, value.c_str(), 1); }
    ~variable() { ::unsetenv(name); }
    variable(variable const&) = delete;
    variable& operator=(variable const&) = delete;
    char const* name;
};

template <class Act>
std::string complaint(Act act) {
    try {
        act();
        return "";
    } catch (std::exception const& why) {
        return why.what();
    }
}

/// Everything that the files of a folder hold, one after the other.
std::string all_of(std::filesystem::path const& dir) {
    std::string text;
    for (auto const& file : std::filesystem::recursive_directory_iterator{dir})
        if (file.is_regular_file()) text += support::read_file(file.path());
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_stores)

BOOST_AUTO_TEST_CASE(an_encrypted_store_shows_nothing_and_keeps_everything) {
    scratch const dir;
    variable const kek{"BSP_KEY_ENCRYPTION_KEY", one_key};
    server::choose_key_store(dir.path(), "encrypted");
    auto const first = server::open_installation(dir.path(), "");
    (void)server::open_users(dir.path());
    auto const token = server::open_admin_token(dir.path());
    auto const users = server::open_key_store(dir.path())->read("users.json").value();
    auto const written = all_of(dir.path());
    BOOST_TEST(written.find("PRIVATE KEY") == std::string::npos);
    BOOST_TEST(written.find("alice") == std::string::npos);
    BOOST_TEST(written.find(token) == std::string::npos);
    BOOST_TEST(written.find(one_key) == std::string::npos);
    for (auto const& file : std::filesystem::directory_iterator{dir.path()}) {
        struct stat s {};
        BOOST_REQUIRE(::stat(file.path().c_str(), &s) == 0);
        BOOST_TEST((s.st_mode & 077) == 0u, file.path());
    }
    BOOST_TEST(server::open_installation(dir.path(), "").key.pem() == first.key.pem());
    BOOST_TEST(server::open_admin_token(dir.path()) == token);
    server::users_file book{std::shared_ptr{server::open_key_store(dir.path())}};
    BOOST_TEST(users.find(book.secret_of("alice").value()) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(sealed_files_cannot_be_changed_exchanged_or_opened_with_another_key) {
    scratch const dir;
    {
        variable const kek{"BSP_KEY_ENCRYPTION_KEY", one_key};
        server::choose_key_store(dir.path(), "encrypted");
        auto const store = server::open_key_store(dir.path());
        store->write("admin.token", "one");
        store->write("users.json", "two");
        auto const token = support::read_file(dir / "admin.token.sealed"), users = support::read_file(dir / "users.json.sealed");
        std::filesystem::copy_file(dir / "users.json.sealed", dir / "admin.token.sealed", std::filesystem::copy_options::overwrite_existing);
        BOOST_TEST(complaint([&] { (void)store->read("admin.token"); }).find("damaged or exchanged") != std::string::npos);
        auto changed = token;
        auto const at = changed.find("\"sealed\":\"") + 30;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        support::write_file(dir / "admin.token.sealed", changed);
        BOOST_TEST(complaint([&] { (void)store->read("admin.token"); }).find("damaged or exchanged") != std::string::npos);
        support::write_file(dir / "admin.token.sealed", token);
        BOOST_TEST(store->read("admin.token").value() == "one");
    }
    variable const wrong{"BSP_KEY_ENCRYPTION_KEY", other_key};
    auto const why = complaint([&] { (void)server::open_key_store(dir.path())->read("admin.token"); });
    BOOST_TEST(why.find("was sealed with the key") != std::string::npos, why);
    BOOST_TEST(why.find(other_key) == std::string::npos);
    variable const short_one{"BSP_KEY_ENCRYPTION_KEY", "abc"};
    BOOST_TEST(complaint([&] { (void)server::open_key_store(dir.path())->read("admin.token"); }).find("64 hexadecimal digits") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_environment_alone_writes_no_secret) {
    scratch const dir;
    server::choose_key_store(dir.path(), "env");
    BOOST_TEST(complaint([&] { (void)server::open_installation(dir.path(), ""); }).find("BACKEND_PRIVATE_KEY") != std::string::npos);
    variable const key{"BACKEND_PRIVATE_KEY", bsp::rsa_private_key::generate().pem()};
    variable const users{"BSP_USERS", R"({"carol": "a pairing secret for carol, long enough"})"};
    variable const token{"BSP_ADMIN_TOKEN", "the token of the environment"};
    (void)server::open_installation(dir.path(), "");
    (void)server::open_users(dir.path());
    (void)server::open_admin_token(dir.path());
    BOOST_TEST(server::users_file{std::shared_ptr{server::open_key_store(dir.path())}}.secret_of("carol").has_value());
    auto const written = all_of(dir.path());
    BOOST_TEST(written.find("PRIVATE KEY") == std::string::npos);
    BOOST_TEST(written.find("carol") == std::string::npos);
    BOOST_TEST(written.find("the token") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(secrets_move_and_leave_nothing_behind) {
    scratch const dir;
    auto const first = server::open_installation(dir.path(), "");
    (void)server::open_users(dir.path());
    auto const token = server::open_admin_token(dir.path());
    BOOST_TEST(server::key_store_kind(dir.path()) == "file");
    BOOST_TEST(complaint([&] { server::choose_key_store(dir.path(), "encrypted"); }).find("keys move encrypted") != std::string::npos);
    variable const kek{"BSP_KEY_ENCRYPTION_KEY", one_key};
    BOOST_TEST(server::move_key_store(dir.path(), "encrypted").find("identity.key.sealed") != std::string::npos);
    BOOST_TEST(!std::filesystem::exists(dir / "identity.key"));
    BOOST_TEST(!std::filesystem::exists(dir / "users.json"));
    BOOST_TEST(!std::filesystem::exists(dir / "admin.token"));
    BOOST_TEST(server::open_installation(dir.path(), "").key.pem() == first.key.pem());
    BOOST_TEST(complaint([&] { (void)server::move_key_store(dir.path(), "env"); }).find("BACKEND_PRIVATE_KEY must hold it") != std::string::npos);
    BOOST_TEST(server::key_store_kind(dir.path()) == "encrypted");
    (void)server::move_key_store(dir.path(), "file");
    BOOST_TEST(!std::filesystem::exists(dir / "identity.key.sealed"));
    BOOST_TEST(server::open_installation(dir.path(), "").key.pem() == first.key.pem());
    BOOST_TEST(server::open_admin_token(dir.path()) == token);
}

BOOST_AUTO_TEST_CASE(new_users_of_an_encrypted_store_are_seen) {
    scratch const dir;
    variable const kek{"BSP_KEY_ENCRYPTION_KEY", one_key};
    server::choose_key_store(dir.path(), "encrypted");
    auto const store = std::shared_ptr{server::open_key_store(dir.path())};
    store->write("users.json", R"({"alice": "a pairing secret for alice, long enough"})");
    server::users_file book{store};
    BOOST_TEST(!book.secret_of("dave").has_value());
    store->write("users.json", R"({"alice": "a pairing secret for alice, long enough", "dave": "a pairing secret for dave, long enough"})");
    BOOST_TEST(book.secret_of("dave").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
