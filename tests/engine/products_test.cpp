// SPDX-License-Identifier: MIT
#include "engine/products.hpp"

#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.hpp"
#include "engine/checksum.hpp"
#include "engine/unfinished.hpp"
#include "engine/version.hpp"
#include "kernels/core/sanitizers.hpp"
#include "tests/engine/files.hpp"

namespace hci {
namespace {

using test::expect_parts;
using test::message_of;

Array<float, 2> small_frame() {
  auto frame = host_array<float, 2>({4, 5});
  for (index_t i = 0; i < frame.size(); ++i) frame.data()[i] = static_cast<float>(i);
  return frame;
}

TEST(OutputFolder, ShowsItsFilesAtCommitAndNotBefore) {
  const test::TemporaryFolder folder;
  const auto visible = [&] {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "a/b"))
      if (entry.path().filename().string()[0] != '.') names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  };
  OutputFolder out(folder / "a/b");
  const auto frame = small_frame();
  out.write_fits("frame.fits", frame.view());
  out.write_png("frame.png", frame.view());
  out.write_text("notes.txt", "hello\n");
  EXPECT_TRUE(visible().empty());
  out.commit();
  EXPECT_EQ(visible(), (std::vector<std::string>{"frame.fits", "frame.png", "notes.txt"}));
  EXPECT_EQ(test::read_bytes(folder / "a/b/notes.txt"), "hello\n");
  std::size_t all = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "a/b")) all += entry.exists() ? 1 : 0;
  EXPECT_EQ(all, 3U);  // no hidden ones either
}

TEST(OutputFolder, LeavesThingsAsTheyWereWithoutCommit) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "old");
  test::write_bytes(folder / "old/frame.fits", "older");
  {
    OutputFolder fresh(folder / "new/deep/"), old(folder / "old");
    fresh.write_fits("frame.fits", small_frame().view());
    old.write_fits("frame.fits", small_frame().view());
    old.write_text("summary.json", "{}");
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>{"old"});
  EXPECT_EQ(test::read_bytes(folder / "old/frame.fits"), "older");
  EXPECT_FALSE(std::filesystem::exists(folder / "old/summary.json"));
}

TEST(OutputFolder, LeavesThingsAsTheyWereAfterASignal) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "old");
  write_text_file(folder / "old/kept.txt", "kept");
  const auto interrupted = [&](int signal) {
    remove_unfinished_on_signals();
    OutputFolder fresh(folder / "new/deep"), old(folder / "old");
    for (OutputFolder* out : {&fresh, &old}) out->write_text("summary.json", "{}\n");  // no threads: this is a fork
    const AtomicFile alone(folder / "old/alone.txt");
    std::ofstream(alone.temporary_path()) << "half";
    old.commit();
    raise(signal);
  };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(interrupted(signal), testing::KilledBySignal(signal), "");
    EXPECT_FALSE(std::filesystem::exists(folder / "new")) << signal;
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "old"))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"kept.txt", "summary.json"})) << signal;
  }
}

TEST(SignalsWait, UntilTheLastIsGone) {
  const test::TemporaryFolder folder;
  const auto interrupted = [&] {
    remove_unfinished_on_signals();
    const Unfinished half(folder / "half");
    test::write_bytes(folder / "half", "x");
    SignalsWait outer;
    {
      const SignalsWait inner;
      raise(SIGTERM);
      test::write_bytes(folder / "inner", "x");
    }
    test::write_bytes(folder / "outer", "x");
  };
  EXPECT_EXIT(interrupted(), testing::KilledBySignal(SIGTERM), "");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"inner", "outer"}));
}

// Sent as soon as the first file has its name: the others get theirs, too.
TEST(OutputFolder, ASignalDoesNotPartItsFiles) {
  if (HCI_SANITIZED_THREADS)
    GTEST_SKIP() << "under the thread sanitizer a process forked off several threads never gets its signals";
  const test::TemporaryFolder folder;
  constexpr int kFiles = 600;
  const auto interrupted = [&] {
    remove_unfinished_on_signals();
    OutputFolder out(folder / "out");
    for (int i = 0; i < kFiles; ++i) std::ofstream(out.staged(std::to_string(i))) << i;
    const std::string first = folder / "out/0";
    const pid_t here = getpid();
    if (fork() == 0) {  // no thread: sanitizers have none after a fork
      while (getppid() == here && access(first.c_str(), F_OK) != 0) continue;
      if (getppid() == here) kill(here, SIGINT);
      _exit(0);
    }
    out.commit();
    sleep(10);  // the signal may be on its way
  };
  EXPECT_EXIT(interrupted(), testing::KilledBySignal(SIGINT), "");
  int named = 0, hidden = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "out"))
    ++(entry.path().filename().string()[0] == '.' ? hidden : named);
  EXPECT_EQ(named, kFiles);
  EXPECT_EQ(hidden, 0);
}

TEST(OutputFolder, RefusesAtOnceWhatItCannotWrite) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder / "file", "x");
  expect_parts(message_of([&] { OutputFolder out(folder / "file"); }), {"file", "is a file, expected a folder"});
  expect_parts(message_of([&] { OutputFolder out(folder / "file/deep"); }), {"file/deep", "cannot be"});
  expect_parts(message_of([&] { OutputFolder out("/proc/cuhci"); }), {"/proc/cuhci", "cannot be"});
  expect_parts(message_of([&] { OutputFolder out(""); }), {"found nothing"});
  if (geteuid() != 0) {  // root may write anywhere
    std::filesystem::create_directory(folder / "locked");
    std::filesystem::permissions(folder / "locked",
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    expect_parts(message_of([&] { OutputFolder out(folder / "locked"); }), {"locked", "cannot be written"});
    expect_parts(message_of([&] { OutputFolder out(folder / "locked/new"); }), {"locked/new", "cannot be made"});
  }
  OutputFolder out(folder / "good");
  EXPECT_THROW(out.write_text("../escape.txt", "x"), InvalidInput);
  EXPECT_THROW(out.write_text("", "x"), InvalidInput);
  std::filesystem::create_directory(folder / "good/frame.fits");
  out.write_text("a.txt", "x");
  out.write_fits("frame.fits", small_frame().view());
  expect_parts(message_of([&] { out.commit(); }), {"frame.fits", "is a folder"});
  EXPECT_FALSE(std::filesystem::exists(folder / "good/a.txt"));
}

const Provenance kProvenance;

// Someone's file comes while the run is at work.
TEST(OutputFolder, ReplacesAndRemovesOnlyProductsOfOurs) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> products{"frame.fits", "snr.fits", "snr.png", "summary.json"};
  const auto write_all = [&] {
    OutputFolder out(folder.path());
    for (const char* name : {"frame.fits", "snr.fits"})
      out.write_fits(name, small_frame().view(), provenance_header(kProvenance));
    out.write_png("snr.png", small_frame().view());
    Summary summary;
    summary.set(kProvenance);
    out.write_json("summary.json", summary);
    out.commit(products);
  };
  write_all();
  write_all();  // over those of the first run
  OutputFolder(folder.path()).commit({"snr.fits", "snr.png"});
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"frame.fits", "summary.json"}));
  OutputFolder late(folder.path());
  late.write_fits("frame.fits", small_frame().view(), provenance_header(kProvenance));
  write_fits(folder / "snr.fits", small_frame().view());
  test::write_bytes(folder / "frame.fits", "theirs");
  expect_parts(message_of([&] { late.commit(products); }), {"frame.fits", "not made by cuHCI", "-o"});
  EXPECT_EQ(test::read_bytes(folder / "frame.fits"), "theirs");
  std::filesystem::remove(folder / "frame.fits");
  expect_parts(message_of([&] { late.require_own(products); }), {"snr.fits", "not made by cuHCI"});
}

struct Params {
  int ncomp = 20;
  double delta_rot = 0.1;
  template <class Field>
  void fields(Field&& field) {
    field("ncomp", ncomp, "components");
    field("delta_rot", delta_rot, "threshold");
  }
};

const std::string kHashOfNothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

Provenance some_provenance() {
  Provenance provenance;
  provenance.command = "cuhci reduce cube.fits --angles pa.fits";
  provenance.device = "cpu: a CPU, 2 threads";
  provenance.inputs = {{"cube", "/dev/null", std::make_shared<FileHash>("/dev/null")}, {"angles", "pa.fits", nullptr}};
  provenance.add(Params{});
  return provenance;
}

TEST(Provenance, IsInTheHeaderOfAProduct) {
  const test::TemporaryFolder folder;
  write_fits(folder / "x.fits", small_frame().view(), provenance_header(some_provenance()));
  const Header header = FitsFile(folder / "x.fits").header(0);
  EXPECT_EQ(header.text("CREATOR"), "cuHCI " + version());
  EXPECT_EQ(header.text("HCI NCOMP"), "20");
  EXPECT_EQ(header.text("HCI DELTA_ROT"), "0.1");
  EXPECT_EQ(header.text("HCI DEVICE"), "cpu: a CPU, 2 threads");
  EXPECT_EQ(header.text("HCI COMMAND"), "cuhci reduce cube.fits --angles pa.fits");
  EXPECT_EQ(header.text("HCI INPUT1 ROLE"), "cube");
  EXPECT_EQ(header.text("HCI INPUT1 FILE"), "/dev/null");
  EXPECT_EQ(header.text("HCI INPUT1 SUM"), kHashOfNothing);
  EXPECT_EQ(header.text("HCI INPUT2 FILE"), "pa.fits");
  EXPECT_EQ(header.find("HCI INPUT2 SUM"), nullptr);
  EXPECT_EQ(header.text("DATE").value_or("").size(), 19U);
}

TEST(Summary, IsNestedJsonInItsOrder) {
  Summary summary;
  summary.set("algorithm", "pca");
  summary.set("peak.x", 61.74);
  summary.set("peak.y", std::numeric_limits<double>::quiet_NaN());
  summary.set("frames", index_t{61});
  summary.set("done", true);
  summary.set("fwhm", std::vector<double>{4.8, 5});
  summary.append("detections", {{"x", 1.5}, {"label", "b \"quoted\""}});
  summary.append("detections", {{"x", 2.5}, {"label", "c"}});
  summary.set("peak.x", 62.0);  // replaces
  summary.set(some_provenance());
  const std::string text = summary.to_json();
  const auto json = nlohmann::ordered_json::parse(text);
  EXPECT_EQ(json["algorithm"], "pca");
  EXPECT_EQ(json["peak"]["x"], 62.0);
  EXPECT_TRUE(json["peak"]["y"].is_null());
  EXPECT_EQ(json["frames"], 61);
  EXPECT_EQ(json["done"], true);
  EXPECT_EQ(json["fwhm"][1], 5.0);
  EXPECT_EQ(json["detections"].size(), 2U);
  EXPECT_EQ(json["detections"][0]["label"], "b \"quoted\"");
  EXPECT_EQ(json["provenance"]["recipe"]["ncomp"], "20");
  EXPECT_EQ(json["provenance"]["inputs"][0]["role"], "cube");
  EXPECT_EQ(json.begin().key(), "algorithm");
  EXPECT_LT(text.find("\"peak\""), text.find("\"frames\""));
}

}  // namespace
}  // namespace hci
